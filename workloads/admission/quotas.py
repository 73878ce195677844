"""ResourceQuotas of a namespace: what would be over one is refused, inside the write's transaction, so that two creates
cannot both take the last place.

What is used is told by the objects that are there (`usages`), not by the quota's status, which follows later: it can
never be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from workloads.admission import usages
from workloads.kinds import quotas, registry, resourcequotas
from workloads.kinds.base import Kind
from workloads.meta import quantity, wire
from workloads.meta.errors import Refused
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Guard

JSON = dict[str, Any]

KIND = "ResourceQuota"
_GROWING = ("PersistentVolumeClaim", "Service")
"""What can take more after it was made."""


def is_about(kind: Kind) -> bool:
    return kind.namespaced and kind.name != "Event"


def guards(kind: Kind, key: Key, obj: JSON, old: JSON | None, known: list[JSON] | None = None) -> tuple[Guard, ...]:
    """Each raises Refused. `known` are the namespace's quotas where they were read already; one without any costs
    nothing in the transaction."""
    if not is_about(kind) or (old is not None and kind.name not in _GROWING):
        return ()
    touched = [quota for quota in (_quotas(key) if known is None else known) if _wanted(kind, obj, old, quota)]
    if not touched:
        return ()
    for quota in touched:  # most of the counting is done before the lock
        _used(key, quota, _wanted(kind, obj, old, quota))

    def guard() -> None:
        for quota in _quotas(key):
            _check(kind, key, quota, _wanted(kind, obj, old, quota))

    return (guard,)


def used(account: str, namespace: str, quota: JSON) -> dict[str, Decimal]:
    """Of everything that the quota tracks, what is there now."""
    return _there(account, namespace, quota["spec"].get("hard") or (), resourcequotas.scopes_of(quota))


def _used(key: Key, quota: JSON, wanted: Iterable[str]) -> dict[str, Decimal]:
    return _there(key.account, key.namespace, wanted, resourcequotas.scopes_of(quota))


def _there(account: str, namespace: str, tracked: Iterable[str], scopes: list[str]) -> dict[str, Decimal]:
    total = dict.fromkeys(tracked, Decimal(0))
    for kind in quotas.kinds_of(total, registry.kinds()):
        about = [name for name in total if quotas.is_about(kind, name)]
        if about == [f"count/{kind.resource}"] and not scopes:
            total[about[0]] += objects.count(kind.name, account=account, namespace=namespace)
            continue
        for name, amount in usages.of(kind, account, namespace, about, scopes).items():
            total[name] += amount
    return total


def _quotas(key: Key) -> list[JSON]:
    rows = objects.those(KIND, account=key.account, namespace=key.namespace)
    return [wire.load(row.data) for row in rows if not row.deleting]


def _wanted(kind: Kind, obj: JSON, old: JSON | None, quota: JSON) -> dict[str, Decimal]:
    """How much more of what the quota tracks there would be."""
    tracked, scopes = quota["spec"].get("hard") or {}, resourcequotas.scopes_of(quota)
    new = quotas.added(kind, obj, tracked, scopes)
    before = quotas.added(kind, old, tracked, scopes) if old is not None else {}
    return {name: amount - before.get(name, 0) for name, amount in new.items() if amount > before.get(name, 0)}


def _check(kind: Kind, key: Key, quota: JSON, wanted: dict[str, Decimal]) -> None:
    """In Kubernetes' words."""
    if not wanted:
        return
    hard = {name: quantity.parse(quota["spec"]["hard"][name]) for name in wanted}
    there = _used(key, quota, wanted)
    over = sorted(name for name, amount in wanted.items() if there[name] + amount > hard[name])
    if not over:
        return
    parts = [
        f"{word}: {','.join(f'{name}={quotas.written(name, amounts[name])}' for name in over)}"
        for word, amounts in (("requested", wanted), ("used", there), ("limited", hard))
    ]
    why = f"exceeded quota: {quota['metadata']['name']}, {', '.join(parts)}"
    raise Refused.named(kind.plural, key.name, why, group=kind.group)
