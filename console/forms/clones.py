"""A workload under another name, as a manifest to start from: nothing of what the server wrote, no owner, and labels of
its own, so that neither takes the other's pods. Pure."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from console.forms import again
from workloads.kinds import jobs

JSON = dict[str, Any]

KINDS = ("Deployment", "Job", "CronJob", "Pod")
INSTANCE = "app.kubernetes.io/instance"
WRITTEN = (
    "autoscaling.cci.io/scaled-by",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
)
_GENERATED = ("pod-template-hash", *jobs.NAME_LABELS, *jobs.UID_LABELS)
_PLACED = ("nodeName", "ephemeralContainers", "hostname")
_TOKEN = "kube-api-access-"  # noqa: S105  the volume that the server adds to each pod


def of(obj: JSON) -> JSON:
    """`obj` is one of KINDS, as it is stored."""
    old = obj["metadata"]["name"]
    name = _name(old)
    if obj["kind"] == "Job":
        made = again.of_job(obj, name)
    else:
        made = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": _metadata(obj["metadata"], name)}
        made["spec"] = deepcopy(obj["spec"])
    _relabel(made["metadata"], old, name)
    if obj["kind"] == "Pod":
        _free(made["spec"])
    elif obj["kind"] == "Deployment":
        _apart(made["spec"], old, name)
    return made


def _name(old: str) -> str:
    return f"{old.removesuffix('-copy')[:58].rstrip('-.')}-copy"


def _metadata(metadata: JSON, name: str) -> JSON:
    made: JSON = {"name": name, "namespace": metadata["namespace"]}
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key not in _GENERATED}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key not in WRITTEN}
    return made | ({"labels": labels} if labels else {}) | ({"annotations": annotations} if annotations else {})


def _relabel(metadata: JSON, old: str, name: str) -> None:
    """`app: web` becomes `app: web-copy`."""
    if labels := metadata.get("labels"):
        metadata["labels"] = {key: name if value == old else value for key, value in labels.items()}


def _apart(spec: JSON, old: str, name: str) -> None:
    """The clone's pods are told from the first one's by a label at least."""
    selector, template = spec["selector"], spec["template"].setdefault("metadata", {})
    before = dict(selector.get("matchLabels", {}))
    found = {key: name if value == old else value for key, value in before.items()}
    if found == before:
        found[INSTANCE] = name
    selector["matchLabels"] = found
    _relabel(template, old, name)
    template["labels"] = {**template.get("labels", {}), **found}
    written = template.get("annotations", {})
    template["annotations"] = {key: value for key, value in written.items() if key not in WRITTEN}


def _free(spec: JSON) -> None:
    """Not bound to a host, and without the token's volume, which each pod gets anew."""
    for field in _PLACED:
        spec.pop(field, None)
    spec["volumes"] = [one for one in spec.get("volumes", []) if not one["name"].startswith(_TOKEN)]
    for container in (*spec.get("initContainers", []), *spec["containers"]):
        mounts = [one for one in container.get("volumeMounts", []) if not one["name"].startswith(_TOKEN)]
        container.pop("volumeMounts", None)
        if mounts:
            container["volumeMounts"] = mounts
    if not spec["volumes"]:
        del spec["volumes"]
