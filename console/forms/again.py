"""Jobs made from what is there: a finished Job run again, a CronJob run now. Pure."""

from __future__ import annotations

import re
import secrets
from copy import deepcopy
from typing import Any

from workloads.kinds import jobs
from workloads.kinds.cronjobs import INSTANTIATE

JSON = dict[str, Any]

LONGEST = 63
_OF_THAT_RUN = (
    INSTANTIATE,
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    "batch.kubernetes.io/job-tracking",
    "kubectl.kubernetes.io/last-applied-configuration",
)
_GENERATED = (*jobs.NAME_LABELS, *jobs.UID_LABELS)
_TAIL = re.compile(r"-again-[a-z0-9]{4}$")


def name_after(name: str, word: str) -> str:
    """A name that is most likely free: `sum` and `again` make `sum-again-x7k2`; running that again does not grow it."""
    tail = f"-{word}-{secrets.token_hex(2)}"
    return _TAIL.sub("", name)[: LONGEST - len(tail)].rstrip("-.") + tail


def of_job(job: JSON, name: str) -> JSON:
    """The same work under another name: what was generated for the first run is left out, and so is its owner."""
    spec, metadata = deepcopy(job["spec"]), job["metadata"]
    spec.pop("suspend", None)
    if not spec.get("manualSelector"):
        spec.pop("selector", None)
        template = spec["template"].setdefault("metadata", {})
        template["labels"] = _without(template.get("labels"), _GENERATED)
    return _job(
        name,
        namespace=metadata.get("namespace", ""),
        labels=_without(metadata.get("labels"), _GENERATED),
        annotations=_without(metadata.get("annotations"), _OF_THAT_RUN),
        spec=spec,
    )


def of_cronjob(cronjob: JSON, name: str) -> JSON:
    """As `kubectl create job --from=cronjob/x`: owned by the CronJob, and marked as made by hand."""
    template, metadata = cronjob["spec"]["jobTemplate"], cronjob["metadata"]
    said = template.get("metadata") or {}
    job = _job(
        name,
        namespace=metadata.get("namespace", ""),
        labels=dict(said.get("labels") or {}),
        annotations={**(said.get("annotations") or {}), INSTANTIATE: "manual"},
        spec=deepcopy(template["spec"]),
    )
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    job["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return job


def _job(name: str, *, namespace: str, labels: JSON, annotations: JSON, spec: JSON) -> JSON:
    metadata: JSON = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _without(values: JSON | None, names: tuple[str, ...]) -> JSON:
    return {name: value for name, value in (values or {}).items() if name not in names}
