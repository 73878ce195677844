"""What `kubectl get -o wide` says of money: SPEC, COST/H and COST, from the same functions as the bill.

A list asks a few questions for all of its rows, however many. COST is of a pod's whole life; of a Job that a CronJob
made the sum of its pods that are there; of everything else what it has cost since the month began, as in the console.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from billing import client, offers
from billing.client import Meter, NoPrice
from billing.money import plain
from iam.identities import Identity
from workloads.client import Client, pod_specifications
from workloads.kinds import namespaces, podspecs
from workloads.kinds.podspecs import Grid, Specification

JSON = Mapping[str, Any]
Cells = tuple[str, str, str]

NONE, UNTOLD = "<none>", "--"
_PLACES = Decimal("0.0001")


def cells(account: str, kind: str, objs: Sequence[JSON]) -> list[Cells]:
    """In the order of `objs`, all of one kind and account."""
    if not objs:
        return []
    if kind == "Pod":
        return _of_pods(account, objs)
    if kind == "Namespace":
        known = client.by_namespace(account)
        return [(namespaces.flavor(dict(obj)), *_told(known.get(obj["metadata"]["name"]))) for obj in objs]
    return _of_workloads(account, objs)


def _of_pods(account: str, pods: Sequence[JSON]) -> list[Cells]:
    """A pod that goes says no price any more, one that has not begun says which it will be."""
    meters, grid = client.pod_meters(account, (pod["metadata"]["uid"] for pod in pods)), pod_specifications()
    prices: dict[Specification, str] = {}
    found = []
    for pod in pods:
        size, meter = podspecs.chosen(dict(pod)) or offers.size(pod, grid), meters.get(pod["metadata"]["uid"])
        hour, cost = _told(meter)
        if pod["metadata"].get("deletionTimestamp"):
            hour = UNTOLD
        elif meter is None and size is not None and (pod.get("status") or {}).get("phase") == "Pending":
            hour = prices.get(size) or prices.setdefault(size, _price(size))
        found.append((_words(size), hour, cost))
    return found


def _of_workloads(account: str, objs: Sequence[JSON]) -> list[Cells]:
    known = client.by_workload(account, (obj["metadata"]["uid"] for obj in objs)) | _of_made_jobs(account, objs)
    grid = pod_specifications()
    return [(_spec(obj, grid), *_told(known.get(obj["metadata"]["uid"]))) for obj in objs]


def _of_made_jobs(account: str, objs: Sequence[JSON]) -> dict[str, Meter]:
    """Jobs whose bill stands under their CronJob's name, by uid."""
    made = [obj for obj in objs if obj["kind"] == "Job" and _is_owned(obj)]
    door, owners = Client(Identity.controller("billing", account)), dict[str, str]()
    uids = {obj["metadata"]["uid"] for obj in made}
    for namespace in sorted({obj["metadata"]["namespace"] for obj in made}):
        rows = door.list_rows("Pod", namespace).rows
        owners |= {row.uid: row.owner_uid for row in rows if row.owner_uid in uids}
    meters: dict[str, list[Meter]] = {}
    for pod, meter in client.pod_meters(account, owners).items():
        meters.setdefault(owners[pod], []).append(meter)
    return {uid: client.together(several) for uid, several in meters.items()}


def _is_owned(obj: JSON) -> bool:
    return any(owner.get("controller") for owner in obj["metadata"].get("ownerReferences") or ())


def _told(meter: Meter | None) -> tuple[str, str]:
    if meter is None:
        return "0", "0"
    return _number(meter.rate.per_hour if meter.running else Decimal(0)), _number(meter.accrued)


def _price(size: Specification) -> str:
    try:
        return _number(client.rate_of(size).per_hour)
    except NoPrice:
        return UNTOLD


def _spec(obj: JSON, grid: Grid) -> str:
    return _words(offers.size(obj, grid))


def _words(size: Specification | None) -> str:
    return NONE if size is None else str(size)


def _number(amount: Decimal) -> str:
    return plain(amount.quantize(_PLACES, ROUND_HALF_UP))
