"""What a pod's entry in the log says about its bill: when it started, when it ended, how big it is and whose it is.

Pure. The instants are the runtime's own (Docker's clock), out of `status.lifecycle`; the time of the log entry is only
used where the runtime has left no word, and the mark says so (`estimated`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from billing import instants
from billing.instants import Instant
from billing.rating import Size
from workloads.kinds import podspecs
from workloads.meta.keys import Uid
from workloads.store.changes import Entry

JSON = dict[str, Any]

logger = logging.getLogger(__name__)

_CONTROLLERS = frozenset({"pod-template-hash", "controller-uid", "job-name", "controller-revision-hash"})

_MAKERS = {
    "ReplicaSet": (("apps/v1", "Deployment"),),
    "Pod": (("apps/v1", "ReplicaSet"), ("batch/v1", "Job")),
    "Job": (("batch/v1", "CronJob"),),
}
"""Of a kind the (apiVersion, kind) of what makes it."""


@dataclass(frozen=True)
class Owner:
    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Marks:
    """`finished` is None while the pod runs. `controller` is what the pod's owner reference names."""

    uid: Uid
    account: str
    namespace: str
    pod: str
    size: Size
    controller: Owner | None
    started: Instant | None
    ran: Instant | None
    finished: Instant | None
    estimated: bool
    revision: int
    evidence: str = field(default="{}", compare=False)
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)


def read(entry: Entry) -> Marks:
    """The marks of one ADDED, MODIFIED or DELETED entry of a Pod."""
    pod = orjson.loads(entry.data)
    lifecycle = _lifecycle(pod, entry.uid)
    finished, estimated = lifecycle.get("finishedAt"), False
    if finished is None and entry.type == "DELETED" and "pullStartedAt" in lifecycle:
        finished, estimated = _end_of_deleted(pod, lifecycle, instants.of(entry.at))
    return Marks(
        uid=entry.uid,
        account=entry.key.account,
        namespace=entry.key.namespace,
        pod=entry.key.name,
        size=size_of(pod),
        controller=controller_of(pod),
        started=lifecycle.get("pullStartedAt"),
        ran=lifecycle.get("startedAt"),
        finished=finished,
        estimated=estimated,
        revision=entry.revision,
        evidence=_evidence(pod, lifecycle),
        labels=labels_of(pod),
    )


def controller_of(obj: JSON) -> Owner | None:
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller") and reference.get("uid"):
            return Owner(reference.get("kind", ""), reference.get("name", ""), reference["uid"])
    return None


def maker_of(obj: JSON) -> Owner | None:
    """The controller, where the service itself makes such objects for such an owner. Anybody may write any other owner
    onto an object of theirs: it runs by itself nevertheless."""
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller"):
            pair = (reference.get("apiVersion"), reference.get("kind"))
            is_ours = pair in _MAKERS.get(obj.get("kind", ""), ()) and reference.get("uid")
            return Owner(reference["kind"], reference.get("name", ""), reference["uid"]) if is_ours else None
    return None


def labels_of(pod: JSON) -> dict[str, str]:
    """The labels that people gave it: without those by which controllers find their pods."""
    labels = pod.get("metadata", {}).get("labels") or {}
    return {name: str(value) for name, value in sorted(labels.items()) if not _is_controllers(name)}


def size_of(pod: JSON) -> Size:
    """The pod specification that admission wrote down. A pod without one is metered at size 0: it costs nothing."""
    asked, chosen = podspecs.effective_size(pod.get("spec") or {}), podspecs.chosen(pod)
    if chosen is None:
        name = pod.get("metadata", {}).get("name", "?")
        logger.error("Pod %s has no readable %s: it is metered, but costs nothing.", name, podspecs.ANNOTATION)
        chosen = podspecs.Specification(0, 0)
    return sized(chosen if chosen.gpus else chosen._replace(gpu=asked.gpu, gpus=asked.gpus))


def sized(specification: podspecs.Specification) -> Size:
    """A specification with cards belongs to the flavor that has them, whatever its namespace is called today."""
    return Size(
        flavor="gpu-accelerated" if specification.gpus else "general-computing",
        cpu_millis=specification.cpu_millis,
        memory_mib=specification.memory_mib,
        gpu_model=specification.gpu,
        gpu_count=specification.gpus,
    )


def last_seen(evidence: str) -> list[Instant]:
    """The instants that kept evidence speaks of."""
    return [instants.parse(text) for text in orjson.loads(evidence).get("lifecycle", {}).values()]


def _is_controllers(label: str) -> bool:
    return label in _CONTROLLERS or label.startswith("batch.kubernetes.io/")


def _lifecycle(pod: JSON, uid: str) -> dict[str, Instant]:
    """The readable instants of `status.lifecycle`."""
    marks = {}
    for name, text in ((pod.get("status") or {}).get("lifecycle") or {}).items():
        if not name.endswith("At") or not text:
            continue
        try:
            marks[name] = instants.parse(text)
        except (ValueError, TypeError):
            logger.error("Pod %s: status.lifecycle.%s is not an RFC3339 time: %r", uid, name, text)
    return marks


def _end_of_deleted(pod: JSON, lifecycle: Mapping[str, Instant], gone: Instant) -> tuple[Instant, bool]:
    """A pod that went without `finishedAt`: its containers' own ends when all have one, else when its object went."""
    ends = [_end_of_container(status) for status in _container_statuses(pod)]
    if ends and None not in ends:
        return max(end for end in ends if end is not None), False
    return max(gone, *lifecycle.values()), True


def _end_of_container(status: JSON) -> Instant | None:
    text = ((status.get("state") or {}).get("terminated") or {}).get("finishedAt")
    return instants.parse(text) if text else None


def _container_statuses(pod: JSON) -> list[dict[str, Any]]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def _evidence(pod: JSON, marks: Mapping[str, Instant]) -> str:
    containers = {status["name"]: status.get("containerID", "") for status in _container_statuses(pod)}
    lifecycle = {name: instants.text(at) for name, at in marks.items()}
    return orjson.dumps({"lifecycle": lifecycle, "containers": containers}).decode()
