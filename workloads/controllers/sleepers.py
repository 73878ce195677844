"""What scale to zero does to a Deployment, said where people look: its condition `Asleep`, and Events when it turns.

The proxy tier puts workloads to sleep and wakes them (`workloads.elb.sleepers`); the annotations it leaves are read
here, and whether a request could wake the workload at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import sleeping
from workloads.meta import conditions, times
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.routing import sleep
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

COMPONENT = "sleeper"
LOOK_AGAIN_AT_ONCE = 0.1
SLEEPING, WOKEN, AWAKE = "Sleeping", "Woken", "Awake"
SCALED, NOT_REACHED = "ScaledToZero", "NotReached"


@dataclass(frozen=True)
class _Said:
    state: conditions.State
    reason: str
    message: str


def controller() -> Controller:
    return Controller(name="sleepers", queue="control", keys=keys, reconcile=reconcile, resync=_everyone)


def keys(entry: Entry) -> Iterable[Key]:
    """A Deployment that says something of it or did; those of a namespace whose Services change."""
    match entry.key.kind:
        case "Deployment":
            said = (data for data in (entry.data, entry.previous) if data)
            return [entry.key] if entry.type != "DELETED" and any(sleeping.SIEVE in data for data in said) else []
        case "Service" if _changed(entry):
            return list(_those(entry.key.account, entry.key.namespace))
    return []


def _everyone() -> Iterable[Key]:
    return _those(None, None)


def _those(account: str | None, namespace: str | None) -> Iterable[Key]:
    scan = objects.scan("Deployment", account=account, namespace=namespace, containing=[sleeping.SIEVE])
    return (row.key for row in scan.rows)


def _changed(entry: Entry) -> bool:
    """Their statuses do not matter."""
    if entry.type != "MODIFIED":
        return True
    before, after = ((obj["spec"], obj["metadata"].get("annotations")) for obj in hands.now_and_before(entry))
    return bool(before != after)


def reconcile(key: Key) -> Result | None:
    door = hands.client("sleepers", key.account)
    deployment = hands.read(door, key)
    if deployment is None or owners.is_deleting(deployment):
        return None
    try:
        _settle(door, deployment)
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)
    return None


def _settle(door: Client, deployment: JSON) -> None:
    """Written first and told afterwards: others write the status, too, and who was not first looks again."""
    status = deepcopy(deployment.get("status") or {})
    before = conditions.find(status, sleeping.CONDITION)
    said = _said(door, deployment)
    if said is None:
        conditions.drop(status, sleeping.CONDITION)
    else:
        conditions.put(
            status, sleeping.CONDITION, said.state, reason=said.reason, message=said.message, now=datetime.now(UTC)
        )
    deployment = hands.put_status(door, deployment, status)
    _tell(door, deployment, before, said)


def _said(door: Client, deployment: JSON) -> _Said | None:
    """None where nobody wishes it to sleep."""
    wish = sleeping.wish(deployment)
    if sleeping.is_asleep(deployment):
        count = sleeping.remembered(deployment) or 1
        them = "it" if count == 1 else "them"
        stopped = f"{sleeping.pods(count)} stopped; the next request starts {them}"
        return _Said("True", SLEEPING, f"No request for {wish}: {stopped}")
    if not wish:
        return None
    if not deployment["spec"].get("replicas"):
        return _Said("False", SCALED, "Somebody scaled it to 0 pods: it stays so until somebody scales it up")
    names = sleep.reached(deployment, door.list("Service", deployment["metadata"]["namespace"]).items)
    if not names:
        why = "no Service with an address and a TCP port leads to its pods, so that nothing could wake it"
        return _Said("False", NOT_REACHED, f"It never sleeps: {why}")
    return _Said(
        "False", AWAKE, f"It sleeps after {wish} without a request; one for Service {', '.join(names)} wakes it"
    )


def _tell(door: Client, deployment: JSON, before: JSON | None, said: _Said | None) -> None:
    was_asleep = before is not None and before["status"] == "True"
    if said is not None and said.state == "True" and not was_asleep:
        return _event(door, deployment, SLEEPING, said.message)
    if was_asleep and before is not None and (said is None or said.state == "False"):
        return _event(door, deployment, WOKEN, _woken(deployment, before))
    reason = before.get("reason") if before else ""
    if said is not None and said.reason == NOT_REACHED != reason:
        _event(door, deployment, NOT_REACHED, said.message, type="Warning")
    return None


def _woken(deployment: JSON, before: JSON) -> str:
    """By a request, which leaves a mark, or by somebody's hand."""
    count = int(deployment["spec"].get("replicas") or 0)
    woken = sleeping.woken(deployment)
    try:
        by_request = bool(woken) and times.parse(woken) + _SLACK > times.parse(before["lastTransitionTime"])
    except ValueError:
        by_request = False
    return f"{'A request came' if by_request else 'Somebody woke it'}: {sleeping.pods(count)} started"


_SLACK = timedelta(seconds=1)
"""A condition's time has no parts of a second."""


def _event(
    door: Client, deployment: JSON, reason: str, message: str, *, type: Literal["Normal", "Warning"] = "Normal"
) -> None:
    hands.tell(door, deployment, component=COMPONENT, reason=reason, message=message, type=type)
