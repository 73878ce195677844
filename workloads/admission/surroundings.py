"""What a new object is born among: its namespace, and what there speaks of it. Read in one question, of one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workloads.admission import limits, namespaces, quotas
from workloads.kinds.base import Kind
from workloads.kinds.serviceaccounts import DEFAULT
from workloads.meta import wire
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Row

JSON = dict[str, Any]
_ACCOUNT = "ServiceAccount"


@dataclass(frozen=True)
class Surroundings:
    home: Row | None = None
    """The namespace; None of what is in none."""
    service_account: JSON | None = None
    """Under which a pod shall run, if it is there."""
    ranges: list[JSON] = field(default_factory=list)
    quotas: list[JSON] = field(default_factory=list)


def of(kind: Kind, key: Key, obj: JSON) -> Surroundings:
    """Raises NotFound, or Refused of a namespace that is going."""
    if not kind.namespaced:
        return Surroundings()
    account, namespace = key.account, key.namespace
    asked = [Key(account, namespaces.KIND, "", namespace)]
    if kind.name == "Pod":
        name = (obj.get("spec") or {}).get("serviceAccountName", DEFAULT)
        asked.append(Key(account, _ACCOUNT, namespace, name))
    wanted = [rule for rule, about in ((limits.KIND, limits.is_about), (quotas.KIND, quotas.is_about)) if about(kind)]
    found = objects.several(asked, all_of=[(account, rule, namespace) for rule in wanted])
    found.sort(key=lambda row: row.key.name)
    by_kind = {name: [row for row in found if row.key.kind == name] for name in (namespaces.KIND, _ACCOUNT, *wanted)}
    owners = [wire.load(row.data) for row in by_kind[_ACCOUNT]]
    return Surroundings(
        home=namespaces.living(kind, key, next(iter(by_kind[namespaces.KIND]), None)),
        service_account=next(iter(owners), None),
        ranges=[wire.load(row.data) for row in by_kind.get(limits.KIND, ())],
        quotas=[wire.load(row.data) for row in by_kind.get(quotas.KIND, ()) if not row.deleting],
    )
