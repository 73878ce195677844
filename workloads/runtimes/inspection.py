"""What Docker answers, read into the contract's words: `docker inspect` -> ContainerStatus, SandboxStatus. Pure.

Times are Docker's own, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from workloads.meta import times
from workloads.meta.keys import Uid
from workloads.runtimes import names
from workloads.runtimes.base import ContainerStatus, SandboxStatus

Inspected = Mapping[str, Any]

_NEVER = "0001-01-01"
COULD_NOT_START = (126, 127)
"""Exit codes Docker notes on a container whose command is missing or may not be run."""


def moment(text: str | None) -> datetime | None:
    """Docker writes year 1 for "never"."""
    if not text or text.startswith(_NEVER):
        return None
    return times.parse(text)


def container_status(found: Inspected) -> ContainerStatus:
    labels, state = found["Config"]["Labels"], found["State"]
    word = _word(state)
    created = moment(found["Created"])
    finished = moment(state["FinishedAt"]) if word == "exited" else None
    return ContainerStatus(
        name=labels[names.CONTAINER],
        id=found["Id"],
        image=found["Config"]["Image"],
        image_id=found["Image"],
        state=word,
        attempt=int(labels[names.ATTEMPT]),
        created_at=created,
        started_at=moment(state["StartedAt"]),
        # what never ran has no end of its own: it was over when it was made
        finished_at=(finished or created) if word == "exited" else None,
        exit_code=state["ExitCode"] if word == "exited" else None,
        # cgroup version 1 tells every container of a pod whose memory ran out; one that ended well was not killed
        oom_killed=bool(state["OOMKilled"]) and state["ExitCode"] != 0,
        error=state.get("Error") or "",
    )


def sandbox_status(
    uid: Uid, pause: Inspected | None, apps: Iterable[Inspected], *, given_at: datetime | None = None
) -> SandboxStatus | None:
    """`given_at` is when a warm sandbox went to the pod; without it the first container's making tells. None when
    nothing is left of the pod."""
    attempts = [container_status(app) for app in apps]
    owner = _owner(uid, pause, apps)
    if owner is None:
        return None
    state = pause["State"] if pause else {}
    running = bool(state.get("Running"))
    return SandboxStatus(
        uid=uid,
        account=owner[0],
        namespace=owner[1],
        name=owner[2],
        ip=address(pause) if pause and running else "",
        created_at=_created(pause, attempts, given_at),
        running=running,
        containers=newest(attempts),
        finished_at=None if running else moment(state.get("FinishedAt")),
    )


def newest(attempts: Iterable[ContainerStatus]) -> dict[str, ContainerStatus]:
    """By container name: the latest attempt, with the one before as its `last`."""
    found: dict[str, ContainerStatus] = {}
    for status in sorted(attempts, key=lambda one: one.attempt):
        found[status.name] = replace(status, last=_alone(found.get(status.name)))
    return found


def subnets(network: Inspected) -> list[str]:
    """Of a Docker network."""
    pools = (network.get("IPAM") or {}).get("Config") or ()
    return [pool["Subnet"] for pool in pools if "Subnet" in pool]


def is_warm(found: Inspected) -> bool:
    return names.WARM in found["Config"]["Labels"]


def _alone(status: ContainerStatus | None) -> ContainerStatus | None:
    return replace(status, last=None) if status else None


def _word(state: Mapping[str, Any]) -> Literal["created", "running", "exited"]:
    if state["Running"]:
        return "running"
    if state["Status"] == "created":
        return "exited" if state["ExitCode"] in COULD_NOT_START else "created"
    return "exited"


def _owner(uid: Uid, pause: Inspected | None, apps: Iterable[Inspected]) -> tuple[str, str, str] | None:
    """(account, namespace, pod name)."""
    for app in apps:
        labels = app["Config"]["Labels"]
        return labels[names.ACCOUNT], labels[names.NAMESPACE], labels[names.POD]
    if pause is None:
        return None
    labels = pause["Config"]["Labels"]
    _, pod = names.pod_of(pause["Name"]) or (uid, "")
    return labels.get(names.ACCOUNT, ""), labels.get(names.NAMESPACE, ""), pod


def _created(pause: Inspected | None, attempts: list[ContainerStatus], given_at: datetime | None) -> datetime | None:
    if pause and not is_warm(pause):
        return moment(pause["Created"])
    first = [status.created_at for status in attempts if status.created_at]
    known = [*first, given_at] if given_at else first
    if known:
        return min(known)
    return moment(pause["Created"]) if pause else None


def address(pause: Inspected) -> str:
    networks = pause["NetworkSettings"]["Networks"].values()
    return next((network["IPAddress"] for network in networks if network["IPAddress"]), "")


def tags(listed: Inspected) -> tuple[str, ...]:
    return tuple(tag for tag in listed["RepoTags"] or () if tag != "<none>:<none>")


def name_of(listed: Inspected) -> str:
    return str(listed["Names"][0]).lstrip("/")


def owner(name: str, labels: Mapping[str, str]) -> Uid | None:
    """The pod whose container it is; None for a warm sandbox."""
    if names.CONTAINER in labels:
        return Uid(labels[names.POD_UID])
    owner = names.pod_of(name)
    return owner[0] if owner else None


def whose(listed: Inspected) -> tuple[Uid, str, str]:
    """Pod, container and id; "" for the container where it is a sandbox."""
    labels = listed["Labels"]
    return Uid(labels.get(names.POD_UID, "")), labels.get(names.CONTAINER, ""), str(listed["Id"])


def is_up(listed: Inspected) -> bool:
    return bool(listed["State"] == "running")


def runs(inspected: Inspected) -> bool:
    return bool(inspected["State"]["Running"])
