"""The manifest of one pod of a Job. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from workloads.controllers import owners
from workloads.controllers.jobs import pods
from workloads.kinds import jobs
from workloads.meta import names

JSON = dict[str, Any]

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True)
class Birth:
    """A pod that is to be made. `failures` are (counted, ignored) failures of its index, where they are kept."""

    index: int | None = None
    failures: tuple[int, int] | None = None


def pod_of(job: JSON, birth: Birth) -> JSON:
    template = deepcopy(job["spec"]["template"])
    metadata = template.get("metadata") or {}
    kept = {name: metadata[name] for name in ("labels", "annotations") if metadata.get(name)}
    finalizers = [*(metadata.get("finalizers") or ()), jobs.TRACKING]
    pod: JSON = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **kept,
            "generateName": f"{job['metadata']['name']}-",
            "finalizers": list(dict.fromkeys(finalizers)),
            "ownerReferences": [owners.reference(job)],
        },
        "spec": template["spec"],
    }
    if birth.index is not None:
        _give_index(pod, job["metadata"]["name"], birth.index)
    if birth.failures is not None:
        _give_failures(pod, birth.failures)
    return pod


def _give_index(pod: JSON, name: str, index: int) -> None:
    """Annotation, label, host name, name and variable all tell it."""
    metadata, ending = pod["metadata"], f"-{index}-"
    metadata["annotations"] = {**metadata.get("annotations", {}), pods.INDEX: str(index)}
    metadata["labels"] = {**metadata.get("labels", {}), pods.INDEX: str(index)}
    metadata["generateName"] = name[: names.GENERATED_BASE_LENGTH - len(ending)] + ending
    pod["spec"]["hostname"] = f"{name}-{index}"
    for container in [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]:
        _give_variable(container)


def _give_variable(container: JSON) -> None:
    environment = container.setdefault("env", [])
    if any(entry["name"] == INDEX_VARIABLE for entry in environment):
        return
    path = f"metadata.labels['{pods.INDEX}']"
    environment.append({"name": INDEX_VARIABLE, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}})


def _give_failures(pod: JSON, failures: tuple[int, int]) -> None:
    counted, ignored = failures
    annotations = pod["metadata"].setdefault("annotations", {})
    annotations[pods.FAILURES] = str(counted)
    if ignored:
        annotations[pods.IGNORED_FAILURES] = str(ignored)
