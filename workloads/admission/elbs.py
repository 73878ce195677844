"""Who is reached through which ELB, by what is written now; and that an ELB somebody is reached through does not go.

Asked inside the write's transaction: a Service that chose the ELB a moment ago counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workloads.kinds import elbs
from workloads.kinds.base import Kind
from workloads.meta import wire
from workloads.meta.errors import Conflict
from workloads.meta.keys import Key
from workloads.routing import bindings
from workloads.store import objects
from workloads.store.objects import Guard, Row

JSON = dict[str, Any]

_SIEVE = b'"LoadBalancer"'
_NAMED = 5
"""So many workloads are named; of others it is said how many they are."""


def of_account(account: str) -> list[JSON]:
    return [wire.load(row.data) for row in objects.scan(elbs.KIND.name, account=account).rows]


def exposed(services: Iterable[Row], ingresses: Iterable[Row]) -> list[JSON]:
    """Of these rows, the objects that want to be reached through an ELB."""
    rows = [*(row for row in services if _SIEVE in row.data), *ingresses]
    return [obj for obj in (wire.load(row.data) for row in rows) if bindings.is_exposed(obj)]


def kept_while_used(kind: Kind, key: Key, elb: JSON) -> tuple[Guard, ...]:
    """Guards of the delete of an ELB; each raises Conflict while workloads are reached through it."""
    if kind.name != elbs.KIND.name:
        return ()

    def guard() -> None:
        users = _users(key.account, elb)
        if users:
            raise Conflict(
                f'{kind.resource} "{key.name}" cannot be deleted: {_named(users)} '
                f"{'is' if len(users) == 1 else 'are'} reached through it; delete them or give them another ELB first",
                details={"name": key.name, "group": kind.group, "kind": kind.plural},
            )

    return (guard,)


def _users(account: str, elb: JSON) -> list[bindings.Ref]:
    known = of_account(account)
    services = objects.scan("Service", account=account, containing=[_SIEVE]).rows
    ingresses = objects.scan("Ingress", account=account).rows
    uid = elb["metadata"]["uid"]
    found = []
    for obj in exposed(services, ingresses):
        chosen, _ = bindings.choose(obj, known)
        if chosen is not None and chosen["metadata"]["uid"] == uid:
            found.append(bindings.ref(obj))
    return sorted(found)


def _named(users: list[bindings.Ref]) -> str:
    some = [str(user) for user in users[:_NAMED]]
    if len(users) > _NAMED:
        some.append(f"{len(users) - _NAMED} more")
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"
