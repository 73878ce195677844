"""What happens at a threshold, and the way back. Every step may be the last before a crash, and is done again.

Suspending sets a Deployment's replicas to 0 and tells Jobs and CronJobs to wait; what it was before stands on the
object itself, written in the same change (annotation `billing.cci.io/suspended`). So nothing can be half suspended, and
the way back needs no other memory. Nothing is deleted; a bare pod cannot be suspended, and is told so. Whoever changes
the number of pods meanwhile wins: what is not as it was left is not brought back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import orjson

from billing import marks, offers
from billing.budgets import cap, periods, promises, spending
from billing.budgets.models import Budget, Crossing
from billing.budgets.promises import Place
from billing.budgets.spending import Spending
from iam.identities import Identity
from workloads.client import Client, pod_specifications
from workloads.kinds import jobs
from workloads.kinds.podspecs import Specification
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.store.writing import write

JSON = dict[str, Any]

ANNOTATION = "billing.cci.io/suspended"
"""`{"by": "budget team", "replicas": 3}` on what was suspended; Jobs and CronJobs without a number."""
COMPONENT = "budgets"
KINDS = ("Deployment", "ReplicaSet", "CronJob", "Job")
_MERGE: Literal["application/merge-patch+json"] = "application/merge-patch+json"
_TRIES = 5

logger = logging.getLogger(__name__)


class Suspended(NamedTuple):
    """An object that was suspended, and what will be brought back."""

    kind: str
    namespace: str
    name: str
    replicas: int | None
    size: Specification | None
    pods: int


class Waits(StatusError):
    """Something could not be suspended; the rest was."""


def announce(crossing: Crossing) -> None:
    """An Event where the budget's pods run: on its workload, its namespace, or each namespace of the account."""
    if crossing.lapsed:
        return
    budget, door = crossing.budget, door_of(crossing.budget)
    reason = "BudgetUsedUp" if crossing.threshold >= 100 else "BudgetThreshold"
    for obj in _told(door, budget):
        door.record_event(obj, type="Warning", reason=reason, message=words(crossing), component=COMPONENT)


def words(crossing: Crossing) -> str:
    """What is known, as one sentence."""
    budget = crossing.budget
    said = f"budget {budget.name} ({cap.scope_words(budget)}, {budget.period}): {crossing.threshold} % is spent, "
    said += f"{cap.amount(crossing.spent)} of {cap.amount(crossing.amount)} {budget.currency}"
    if crossing.threshold != 100:
        return said
    then = {
        Budget.Action.STOP: "more pods are refused from now on, what runs goes on",
        Budget.Action.SUSPEND: "what runs is suspended, and more pods are refused",
    }
    return f"{said}; {then[Budget.Action(crossing.action)]}" if crossing.action in then else said


def suspend(crossing: Crossing) -> None:
    """Where the budget says so, at 100 %, while that is still so. Raises Waits when something could not be suspended
    yet."""
    if crossing.threshold != 100 or crossing.action != Budget.Action.SUSPEND:
        return
    budget = _suspending(crossing)
    if budget is None:
        return
    by = f"budget {budget.name}"
    suspend_scope(door_of(budget), budget, by=by, why=f"because {by} is used up")


def _suspending(crossing: Crossing) -> Budget | None:
    """The budget, which now says that it holds something. None when the crossing counts no more: the budget is gone,
    its amount was raised, or a new period has begun."""
    with write():
        budget = Budget.objects.select_for_update().filter(pk=crossing.budget_id).first()
        stands = Crossing.objects.filter(pk=crossing.pk, lapsed=False).exists()
        if budget is None or not stands or crossing.period_start != spending.start_of(budget):
            return None
        Budget.objects.filter(pk=budget.pk).update(suspended=crossing.at, resuming=False)
        return budget


FOLLOW = (announce, suspend)


def suspend_scope(door: Client, budget: Budget, *, by: str, why: str) -> None:
    """`why` follows "suspended, " in Events. Raises Waits."""
    failed = []
    for obj in _by_themselves(door, budget.namespace or None):
        if _is_in_scope(budget, obj) and not _suspend_one(door, obj, by, why):
            failed.append(f"{obj['kind']} {obj['metadata']['name']}")
    for pod in bare_pods(door, budget):
        said = f"not suspended, {why}: a pod by itself cannot be; it runs and costs on until it is deleted"
        door.record_event(pod, type="Warning", reason="NotSuspended", message=said, component=COMPONENT)
    if failed:
        raise Waits(f"not suspended yet: {', '.join(failed)}")


def bare_pods(door: Client, budget: Budget) -> list[JSON]:
    """Pods in scope that no ReplicaSet or Job has made and that run: they cannot be suspended."""
    if budget.scope == Budget.Scope.WORKLOAD:
        return []
    namespace = budget.namespace or None
    owners = ("", *promises.strangers(budget.account, namespace))
    found = (pod for uid in owners for pod in door.list("Pod", namespace, owner_uid=uid).items)
    return [pod for pod in found if (asked := promises.asked(pod, by_service=False)) is not None and asked[1]]


def suspended(door: Client, budget: Budget) -> list[Suspended]:
    """What the budget has suspended and not brought back."""
    by = f"budget {budget.name}"
    return [_as_row(obj, left) for obj, left in _marked(door, budget.namespace or None) if left.get("by") == by]


def begin_resuming(budget: Budget, known: Spending) -> None:
    """When the period is over in which it was suspended, and somebody has asked for that."""
    if budget.suspended is None or not budget.resume_at_end or budget.resuming:
        return
    then = periods.start(budget.period, budget.suspended, counted_from=budget.counted_from)
    if known.period_start > then:
        Budget.objects.filter(pk=budget.pk).update(resuming=True)


def resume_all() -> int:
    """Brings back what shall come back. Returns how many objects wait, because another budget has no money for them."""
    waiting = 0
    for budget in Budget.objects.filter(resuming=True):
        left = resume(door_of(budget), by=f"budget {budget.name}", namespace=budget.namespace or None)
        waiting += left
        if not left:
            still = Budget.objects.filter(pk=budget.pk, resuming=True)
            still.update(suspended=None, resuming=False, resume_at_end=False)
    return waiting


def resume(door: Client, *, by: str, namespace: str | None) -> int:
    return sum(not _resume_one(door, obj, left) for obj, left in _marked(door, namespace) if left.get("by") == by)


def _suspend_one(door: Client, obj: JSON, by: str, why: str) -> bool:
    """False when it could not be done yet."""
    for _ in range(_TRIES):
        patch = _suspension(obj, by)
        if patch is None:
            return True
        try:
            done = _patched(door, obj, patch)
        except NotFound:
            return True
        except Conflict:
            obj = door.get(obj["kind"], obj["metadata"]["name"], obj["metadata"]["namespace"])
            continue
        except StatusError:
            logger.exception("%s %s cannot be suspended.", obj["kind"], obj["metadata"]["name"])
            return False
        said = f"suspended, {why}; it comes back as it was when that is over"
        door.record_event(done, type="Warning", reason="Suspended", message=said, component=COMPONENT)
        return True
    return False


def _suspension(obj: JSON, by: str) -> JSON | None:
    """None where nothing is left to do."""
    spec = obj["spec"]
    if "deletionTimestamp" in obj["metadata"]:
        return None
    if obj["kind"] in ("Deployment", "ReplicaSet"):
        if not spec.get("replicas", 1):
            return None
        left: JSON = {"by": by, "replicas": spec.get("replicas", 1)}
        return {"metadata": {"annotations": {ANNOTATION: _text(left)}}, "spec": {"replicas": 0}}
    if spec.get("suspend") or (obj["kind"] == "Job" and jobs.is_finished(obj)):
        return None
    return {"metadata": {"annotations": {ANNOTATION: _text({"by": by})}}, "spec": {"suspend": True}}


def _resume_one(door: Client, obj: JSON, left: JSON) -> bool:
    """False when it has to wait. A person's own number, or their own "go on", is left as it is."""
    for _ in range(_TRIES):
        patch: JSON = {"metadata": {"annotations": {ANNOTATION: None}}}
        is_ours = _is_as_left(obj)
        if is_ours:
            replicas = left.get("replicas")
            patch["spec"] = {"suspend": False} if replicas is None else {"replicas": replicas}
        try:
            done = _patched(door, obj, patch)
        except NotFound:
            return True
        except Conflict:
            obj = door.get(obj["kind"], obj["metadata"]["name"], obj["metadata"]["namespace"])
            continue
        except StatusError as refusal:
            logger.info("%s %s is not resumed yet: %s", obj["kind"], obj["metadata"]["name"], refusal.message)
            return False
        said = "resumed" if is_ours else "was changed meanwhile and stays as it is"
        door.record_event(done, type="Normal", reason="Resumed", message=said, component=COMPONENT)
        return True
    return False


def _is_as_left(obj: JSON) -> bool:
    """Whether it still waits, and nobody else has said that it shall."""
    field = "replicas" if obj["kind"] in ("Deployment", "ReplicaSet") else "suspend"
    spec = obj["spec"]
    waits = not spec.get("replicas", 1) if field == "replicas" else bool(spec.get("suspend"))
    return waits and not any(
        f"f:{field}" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("manager") != COMPONENT
    )


def _patched(door: Client, obj: JSON, patch: JSON) -> JSON:
    """Raises Conflict when the object is another one than was looked at."""
    metadata = obj["metadata"]
    pinned = {**patch, "metadata": {**patch["metadata"], "resourceVersion": metadata["resourceVersion"]}}
    return door.patch(obj["kind"], metadata["name"], pinned, _MERGE, metadata["namespace"]).obj


def _marked(door: Client, namespace: str | None) -> Iterator[tuple[JSON, JSON]]:
    for obj in _by_themselves(door, namespace):
        text = (obj["metadata"].get("annotations") or {}).get(ANNOTATION)
        left = _read(text) if text else None
        if left is not None:
            yield obj, left


def _read(text: str) -> JSON | None:
    """Anybody may have written it."""
    try:
        left = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    number = left.get("replicas") if isinstance(left, dict) else -1
    return left if number is None or (isinstance(number, int) and number > 0) else None


def _as_row(obj: JSON, left: JSON) -> Suspended:
    replicas, metadata = left.get("replicas"), obj["metadata"]
    woken = {**obj, "spec": {**obj["spec"], **({"suspend": False} if replicas is None else {"replicas": replicas})}}
    asked = promises.asked(woken)
    size = offers.size(obj, pod_specifications())
    return Suspended(obj["kind"], metadata["namespace"], metadata["name"], replicas, size, asked[1] if asked else 0)


def _is_in_scope(budget: Budget, obj: JSON) -> bool:
    """A CronJob's Jobs are that one's."""
    owner = marks.maker_of(obj) if obj["kind"] == "Job" else None
    kind, name = (owner.kind, owner.name) if owner else (obj["kind"], obj["metadata"]["name"])
    return promises.is_about(budget, Place(obj["metadata"]["namespace"], kind, name, _NO_SIZE))


def _by_themselves(door: Client, namespace: str | None) -> Iterator[JSON]:
    """All that can be suspended, but for the ReplicaSets of Deployments that are there: these follow, and carry the
    annotations of their Deployment, too. Any other owner that an object names is what somebody wrote."""
    for kind in KINDS:
        found = door.list(kind, namespace).items
        deployments = _uids(door, "Deployment", namespace) if kind == "ReplicaSet" else set()  # read after its sets
        for obj in found:
            owner = marks.maker_of(obj)
            if owner is None or (obj["metadata"]["namespace"], owner.uid) not in deployments:
                yield obj


def _uids(door: Client, kind: str, namespace: str | None) -> set[tuple[str, str]]:
    found = door.list(kind, namespace).items
    return {(obj["metadata"]["namespace"], obj["metadata"]["uid"]) for obj in found}


_NO_SIZE = Specification(0, 0)


def _told(door: Client, budget: Budget) -> list[JSON]:
    try:
        if budget.scope == Budget.Scope.WORKLOAD:
            return [door.get(budget.workload_kind, budget.workload_name, budget.namespace)]
        if budget.scope == Budget.Scope.NAMESPACE:
            return [door.get("Namespace", budget.namespace)]
    except NotFound:
        return []
    return door.list("Namespace").items


def door_of(budget: Budget) -> Client:
    return Client(Identity.controller(COMPONENT, budget.account))


def _text(left: JSON) -> str:
    return orjson.dumps(left).decode()
