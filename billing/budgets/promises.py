"""What the objects in a budget's scope ask for, whether it runs already or not: a Deployment's replicas, what a Job has
in parallel, a pod by itself. Two creates cannot both count on the same money, because the second sees the first one's
object, long before any of its pods is metered.

Counted once, then carried along with the log as `workloads.admission.usages` does: inside the write's transaction
nobody else writes, there it is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from billing import marks, offers
from billing.budgets.models import Budget
from workloads.client import pod_specifications
from workloads.kinds import deployments, jobs
from workloads.kinds.podspecs import Specification
from workloads.meta import wire
from workloads.store import changes, objects
from workloads.store.changes import Tip

JSON = dict[str, Any]

KINDS = ("Deployment", "ReplicaSet", "Job", "Pod")
MOST_BEHIND = 500
_MOST_KNOWN = 256
_OF_PODS = ("ReplicaSet", "Job")


class Place(NamedTuple):
    """Whose pods they are, as the ledger names it, and of what size."""

    namespace: str
    workload_kind: str
    workload_name: str
    size: Specification


class _Known(NamedTuple):
    at: Tip
    pods: Mapping[Place, int]


_known: dict[tuple[str, str], _Known] = {}


def pods(budget: Budget) -> dict[Specification, int]:
    """How many pods of each size are asked for in this budget's scope, those of updates under way counted in."""
    found: Counter[Specification] = Counter()
    for kind in KINDS:
        for place, number in _of(kind, budget.account).items():
            if is_about(budget, place):
                found[place.size] += number
    return found


def strangers(account: str, namespace: str | None = None) -> list[str]:
    """What pods name as the uid of their owner, and is none of the ReplicaSets and Jobs beside them: they run by
    themselves."""
    named = objects.owner_uids("Pod", account=account, namespace=namespace)
    rows = objects.read_uids({uid for _, uid in named})
    makers = {(row.key.namespace, row.uid) for row in rows if row.key.account == account and row.key.kind in _OF_PODS}
    return sorted({uid for place, uid in named if (place, uid) not in makers})


def is_about(budget: Budget, place: Place) -> bool:
    if budget.scope == Budget.Scope.ACCOUNT:
        return True
    if place.namespace != budget.namespace:
        return False
    workload = (budget.workload_kind, budget.workload_name)
    return budget.scope == Budget.Scope.NAMESPACE or (place.workload_kind, place.workload_name) == workload


def asked(obj: JSON, *, by_service: bool = True, updating: bool | None = None) -> tuple[Place, int] | None:
    """What an object asks for by itself; None for what runs nothing, or only for another that asks already. What
    somebody else than the service made counts by itself, whatever it says of an owner. `updating`: whether a
    Deployment needs its surge pods, too; its own status says so where nothing is said."""
    owner = marks.maker_of(obj)
    if obj["kind"] not in KINDS or (owner is not None and by_service and not _is_new_work(obj, owner)):
        return None
    size = offers.size(obj, pod_specifications())
    if size is None:
        return None
    metadata = obj["metadata"]
    of_cronjob = owner is not None and _is_new_work(obj, owner)
    kind, name = ("CronJob", owner.name) if owner and of_cronjob else (obj["kind"], metadata["name"])
    return Place(metadata.get("namespace", ""), kind, name, size), _number(obj) + surge(obj, updating=updating)


def surge(obj: JSON, *, updating: bool | None = None) -> int:
    """How many pods a rolling update runs beside those that are asked for, while it goes on."""
    spec = obj.get("spec") or {}
    strategy = spec.get("strategy") or {}
    if obj["kind"] != "Deployment" or strategy.get("type", deployments.ROLLING) != deployments.ROLLING:
        return 0
    if not (is_updating(obj) if updating is None else updating):
        return 0
    step = (strategy.get("rollingUpdate") or {}).get("maxSurge", deployments.DEFAULT_STEP)
    wanted = int(spec.get("replicas", 1))
    return deployments.share(step, wanted, rounding="up") if wanted else 0


def is_updating(deployment: JSON) -> bool:
    """Pods of an older template are there, or the controller has not looked yet whether they are."""
    status = deployment.get("status") or {}
    pods, is_seen = status.get("replicas", 0), status.get("observedGeneration", 0) >= _generation(deployment)
    return bool(pods) and (not is_seen or pods > status.get("updatedReplicas", 0))


def begins_update(new: JSON, old: JSON | None) -> bool:
    """Whether this write makes a Deployment's pods old, or they are still being replaced."""
    if old is None or new["kind"] != "Deployment":
        return False
    return is_updating(old) or bool(
        old["spec"].get("replicas", 1) and new["spec"]["template"] != old["spec"]["template"]
    )


def _generation(obj: JSON) -> int:
    return int(obj["metadata"].get("generation", 1))


def _is_new_work(obj: JSON, owner: marks.Owner) -> bool:
    """A CronJob starts nothing by being there; its Jobs do."""
    return bool(obj["kind"] == "Job" and owner.kind == "CronJob")


def _number(obj: JSON) -> int:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if obj["metadata"].get("deletionTimestamp"):
        return 0
    if obj["kind"] == "Pod":
        return 0 if status.get("phase") in ("Succeeded", "Failed") else 1
    if obj["kind"] != "Job":
        return int(spec.get("replicas", 1))
    if spec.get("suspend") or jobs.is_finished(obj):
        return 0
    parallel = int(spec.get("parallelism", 1))
    if spec.get("completions") is None:
        return parallel
    return max(0, min(parallel, int(spec["completions"]) - int(status.get("succeeded", 0))))


def _of(kind: str, account: str) -> Mapping[Place, int]:
    found = _carried(kind, account) or _counted(kind, account)
    if found.at != changes.NOTHING:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[account, kind] = found
    return found.pods


def _carried(kind: str, account: str) -> _Known | None:
    known = _known.get((account, kind))
    since = known and changes.between(known.at, kind, account=account, namespace=None, limit=MOST_BEHIND)
    if known is None or since is None:
        return None
    if not since.entries:
        return _Known(since.end, known.pods)
    carried = Counter(known.pods)
    for entry in since.entries:
        _add(carried, None if entry.type == "DELETED" else entry.data, sign=1)
        _add(carried, entry.previous, sign=-1)
    return _Known(since.end, {place: number for place, number in carried.items() if number > 0})


def _counted(kind: str, account: str) -> _Known:
    """What was written between its questions is not carried along: the next one counts anew."""
    pages = [objects.scan(kind, account=account, owner_uid="" if kind == "Pod" else None)]
    if kind == "Pod":
        pages += [objects.scan(kind, account=account, owner_uid=uid) for uid in strangers(account)]
    found: Counter[Place] = Counter()
    for page in pages:
        for row in page.rows:
            _add(found, row.data, sign=1)
    is_of_one_moment = len({page.revision for page in pages}) == 1
    return _Known(changes.tip_at(pages[0].revision) if is_of_one_moment else changes.NOTHING, found)


def _add(found: Counter[Place], data: bytes | None, *, sign: int) -> None:
    place = data and asked(wire.load(data))
    if place:
        found[place[0]] += sign * place[1]
