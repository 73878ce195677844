"""How many replicas each ReplicaSet of a Deployment should have now. Pure: sizes by name, computed from objects.

A rolling update never has more than replicas + maxSurge pods, and never takes an old pod away when fewer than
replicas - maxUnavailable would be available.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from workloads.controllers.deployments import revisions
from workloads.kinds.deployments import DEFAULT_STEP, share

JSON = dict[str, Any]
Sizes = dict[str, int]
"""ReplicaSet name -> wanted replicas; who is not named stays as it is."""


def wanted(deployment: JSON) -> int:
    return int(deployment["spec"].get("replicas", 1))


def is_rolling(deployment: JSON) -> bool:
    strategy = deployment["spec"].get("strategy") or {}
    return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")


def fenceposts(deployment: JSON) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) as numbers: percent of surge rounds up, of unavailable down; both 0 would never move,
    so then one may be unavailable."""
    if not is_rolling(deployment):
        return 0, 0
    given = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = share(given.get("maxSurge", DEFAULT_STEP), wanted(deployment), rounding="up")
    unavailable = share(given.get("maxUnavailable", DEFAULT_STEP), wanted(deployment), rounding="down")
    return surge, unavailable if surge or unavailable else 1


def max_unavailable(deployment: JSON) -> int:
    return min(fenceposts(deployment)[1], wanted(deployment))


def size(replicaset: JSON) -> int:
    return int(replicaset["spec"].get("replicas", 1))


def present(replicaset: JSON) -> int:
    """Pods it has or will have: one that was told to shrink may not have done it yet."""
    return max(size(replicaset), int((replicaset.get("status") or {}).get("replicas", 0)))


def available(replicaset: JSON) -> int:
    """Pods of it that are available and will stay."""
    return min(size(replicaset), int((replicaset.get("status") or {}).get("availableReplicas", 0)))


def active(replicasets: Iterable[JSON]) -> list[JSON]:
    return [one for one in replicasets if size(one) > 0]


def name(replicaset: JSON) -> str:
    return str(replicaset["metadata"]["name"])


# Rolling


def new_size(deployment: JSON, *, new: JSON | None, old: Iterable[JSON]) -> int:
    """How far the new ReplicaSet (None: not made yet) may grow, or must shrink."""
    target, now = wanted(deployment), size(new) if new else 0
    if not is_rolling(deployment) or now >= target:
        return target
    taken = sum(present(one) for one in old) + (present(new) if new else 0)
    room = target + fenceposts(deployment)[0] - taken
    return now + max(0, min(room, target - now))


def old_sizes(deployment: JSON, *, new: JSON, old: Sequence[JSON]) -> Sizes:
    """What the old ReplicaSets shrink to: first pods that are not available anyway, then as many as may go."""
    floor = wanted(deployment) - max_unavailable(deployment)
    total = size(new) + sum(size(one) for one in old)
    allowed = total - floor - (size(new) - available(new))
    if allowed <= 0:
        return {}
    sizes = {name(one): size(one) for one in revisions.by_age(active(old))}
    _drop_unavailable(sizes, old, allowed)
    _drop_available(sizes, sum(available(one) for one in (new, *old)) - floor)
    return {name(one): sizes[name(one)] for one in active(old) if sizes[name(one)] != size(one)}


def _drop_unavailable(sizes: Sizes, old: Sequence[JSON], allowed: int) -> None:
    usable = {name(one): available(one) for one in old}
    for one, now in sizes.items():
        cut = min(allowed, max(0, now - usable[one]))
        sizes[one] -= cut
        allowed -= cut


def _drop_available(sizes: Sizes, allowed: int) -> None:
    for one, now in sizes.items():
        cut = max(0, min(allowed, now))
        sizes[one] -= cut
        allowed -= cut


# Scaling


def is_being_scaled(deployment: JSON, everybody: Iterable[JSON]) -> bool:
    """Was the number of replicas changed since the ReplicaSets were last sized?"""
    noted = (revisions.annotations_of(one).get(revisions.DESIRED) for one in active(everybody))
    return any(text is not None and text != str(wanted(deployment)) for text in noted)


def scaled_sizes(deployment: JSON, *, new: JSON | None, old: Sequence[JSON]) -> Sizes:
    """A new number of replicas: the only active ReplicaSet takes it all; in the middle of a rolling update every one
    grows or shrinks in proportion, so that a bad new version gains nothing on the old."""
    only = _active_or_latest(new, old)
    if only is not None:
        return {name(only): wanted(deployment)}
    if new is not None and _is_saturated(deployment, new):
        return {name(one): 0 for one in active(old)}
    if not is_rolling(deployment):
        return {}
    return _in_proportion(deployment, active([*old, *([new] if new else [])]))


def _active_or_latest(new: JSON | None, old: Sequence[JSON]) -> JSON | None:
    alive = active([*old, *([new] if new else [])])
    if len(alive) > 1:
        return None
    if alive:
        return alive[0]
    return new or (revisions.by_age(old)[-1] if old else None)


def _is_saturated(deployment: JSON, new: JSON) -> bool:
    target = wanted(deployment)
    noted = revisions.annotations_of(new).get(revisions.DESIRED)
    return size(new) == target == available(new) and noted == str(target)


def _in_proportion(deployment: JSON, alive: list[JSON]) -> Sizes:
    target = wanted(deployment)
    ceiling = target + fenceposts(deployment)[0] if target else 0
    change = ceiling - sum(size(one) for one in alive)
    alive = _biggest_first(alive, newest_first=change > 0)
    sizes, done = {}, 0
    for one in alive:
        share = _share(deployment, one, ceiling=ceiling, left=change - done)
        sizes[name(one)] = size(one) + share
        done += share
    if alive and change:
        sizes[name(alive[0])] = max(0, sizes[name(alive[0])] + change - done)
    return sizes


def _biggest_first(alive: list[JSON], *, newest_first: bool) -> list[JSON]:
    ordered = revisions.by_age(alive)
    if newest_first:
        ordered.reverse()
    return sorted(ordered, key=lambda one: -size(one))


def _share(deployment: JSON, one: JSON, *, ceiling: int, left: int) -> int:
    """This one's part of the change, never more than what is left of it."""
    if not left:
        return 0
    if not wanted(deployment):
        return max(-size(one), left)
    noted = revisions.number(revisions.annotations_of(one).get(revisions.MAXIMUM, ""))
    before = noted or int((deployment.get("status") or {}).get("replicas", 0))
    if not before:
        return 0
    fair = int((Decimal(size(one)) * ceiling / before).to_integral_value(ROUND_HALF_UP)) - size(one)
    return min(fair, left) if left > 0 else max(fair, left)
