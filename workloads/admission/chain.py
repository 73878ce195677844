"""The steps in order. What comes out is a complete object, or an error that already is the answer.

    new object:  identify -> namespace -> default -> managers -> service account -> limit ranges -> prepare -> validate
                 -> token -> escalation -> pod specification -> address -> hooks (+ quotas)
    change:      identify -> default -> prepare -> managers -> unchanged? -> validate -> escalation
                 -> pod specification -> address -> hooks

Authorization and field validation came before, in the verb. Guards run again inside the write's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iam.identities import Identity
from workloads.admission import (
    addresses,
    authorize,
    escalation,
    hooks,
    identify,
    limits,
    namespaces,
    ownership,
    podsizes,
    quota,
    quotas,
    scaling,
    serviceaccounts,
    surroundings,
    traffic,
)
from workloads.admission.ownership import Writer
from workloads.kinds import limitranges
from workloads.kinds.base import Kind
from workloads.meta import times, wire
from workloads.meta.errors import Invalid
from workloads.meta.keys import Key
from workloads.store.objects import Guard, Row

JSON = dict[str, Any]


@dataclass(frozen=True)
class Admitted:
    obj: JSON
    warnings: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()


def admit_new(kind: Kind, obj: JSON, *, namespace: str, identity: Identity, writer: Writer) -> Admitted:
    """`obj` is the caller's copy of the manifest and is completed in place."""
    identify.newborn(kind, obj, namespace=namespace, now=times.format_seconds(writer.now))
    key = Key(identity.account, kind.name, namespace if kind.namespaced else "", obj["metadata"]["name"])
    around = surroundings.of(kind, key, obj)
    if kind.name == "Namespace":
        namespaces.fill_flavor(obj, identity.account)
    kind.default(obj)
    ownership.record_new(kind, obj, writer)
    if kind.name == "Pod":
        serviceaccounts.settle(obj, around.service_account)
        limits.fill(obj, around.ranges)
    kind.prepare(obj, None)
    _validate(kind, obj, None)
    if kind.name == "Pod":
        serviceaccounts.lend(obj, around.service_account)
    escalation.check(identity, kind, obj, None)
    limits.check(kind, obj, around.ranges)
    warnings = _sized(kind, obj, None, account=identity.account, home=around.home)
    guards = _guards(kind, key) + scaling.guards(kind, key, obj, None) + addresses.settle(kind, obj, None)
    guards += quotas.guards(kind, key, obj, None, around.quotas)
    guards += hooks.guards(kind, key, obj, None, identity)
    warnings += limits.warnings(kind, obj)
    warnings += traffic.strange_class(kind, obj) + traffic.without_elbs(kind, obj) + traffic.without_proxy(kind, obj)
    return Admitted(obj, warnings + hooks.on_admit(obj, None, identity), guards)


def admit_change(kind: Kind, new: JSON, old: JSON, *, identity: Identity, writer: Writer) -> Admitted:
    """Makes the caller's wish the next state of `old`, in place: same life, old status, defaults, next generation."""
    identify.successor(kind, new, old)
    _keep_status(kind, new, old)
    kind.default(new)
    kind.prepare(new, old)
    ownership.record_change(kind, new, old, writer)
    if new == old:
        return Admitted(new)
    authorize.placement(identity, kind, new, old)
    _validate(kind, new, old)
    escalation.check(identity, kind, new, old)
    warnings = _sized(kind, new, old, account=identity.account)
    identify.next_generation(kind, new, old)
    key = Key(identity.account, kind.name, new["metadata"].get("namespace", ""), new["metadata"]["name"])
    if kind.name == limitranges.CLAIM:
        limits.check(kind, new, limits.ranges(key))
    guards = scaling.guards(kind, key, new, old) + addresses.settle(kind, new, old)
    guards += quotas.guards(kind, key, new, old)
    guards += hooks.guards(kind, key, new, old, identity)
    return Admitted(new, warnings + hooks.on_admit(new, old, identity), guards)


def _keep_status(kind: Kind, new: JSON, old: JSON) -> None:
    """Spec's writers cannot touch status."""
    if "status" not in kind.subresources:
        return
    new.pop("status", None)
    if "status" in old:
        new["status"] = old["status"]


def _validate(kind: Kind, obj: JSON, old: JSON | None) -> None:
    causes = kind.validate(obj, old)
    if causes:
        raise Invalid.of(kind.name, obj["metadata"].get("name", ""), tuple(causes), group=kind.group)


def _sized(kind: Kind, new: JSON, old: JSON | None, *, account: str, home: Row | None = None) -> tuple[str, ...]:
    """`home` is the namespace's row where it has been read already."""
    place = podsizes.place_to_size(kind, new, old)
    if place is None:
        return ()
    row = home or namespaces.of(account, new["metadata"]["namespace"])
    return podsizes.settle(kind, new, place, namespace=wire.load(row.data), account=account)


def _guards(kind: Kind, key: Key) -> tuple[Guard, ...]:
    """Asked again inside the write's transaction: the answers of admission may be old by then."""
    if kind.name == "Namespace":
        return (quota.room_for_namespace(key),)
    if kind.name == "ELB":
        return (quota.room_for_elb(key),)
    return (namespaces.still_living(kind, key),) if kind.namespaced else ()
