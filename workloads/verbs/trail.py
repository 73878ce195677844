"""What people and programs did to objects, for the audit trail (`iam.audit`). Controllers are not in it.

A write is recorded by a guard: inside its transaction, so that neither is there without the other. What the service
fills in and measures (status, managed fields, times) is left out of the changes; values of what is confidential are.
"""

from __future__ import annotations

import time
from typing import Any

from iam import audit
from iam.audit import Target
from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds.base import Kind
from workloads.meta.errors import Forbidden
from workloads.meta.keys import Key
from workloads.store.objects import Guard

JSON = dict[str, Any]

QUIET_SECONDS = 60.0
"""The same denied call is recorded once in so long by each process: who asks again and again does not flood it."""


def of_write(
    identity: Identity, kind: Kind, verb: str, key: Key, old: JSON | None, new: JSON | None, subresource: str = ""
) -> tuple[Guard, ...]:
    """`old` is None of what is created, `new` of what goes."""
    if identity.is_controller or kind.name in _NOISE:
        return ()
    action, target = authorize.action_of(kind, verb, subresource), _target(key, subresource)
    hidden = _VALUES if kind.is_confidential else ()
    changes = audit.difference(_told(old, subresource), _told(new, subresource), hidden=hidden)
    return (audit.entry(identity, action, target, changes=changes),)


def of_call(identity: Identity, kind: Kind, verb: str, key: Key, *, subresource: str, message: str = "") -> None:
    """What is no write and yet changes something: a command in a container, a port that is forwarded, a token."""
    if not identity.is_controller:
        action = authorize.action_of(kind, verb, subresource)
        audit.record(identity, action, _target(key, subresource), message=message)


def of_denial(identity: Identity, refusal: Forbidden, target: Target) -> None:
    """A call that was refused for want of a right."""
    action = refusal.action or f"cci:{target.kind.lower()}:denied"
    what = (identity.account, identity.user, action, target)
    now = time.monotonic()
    if identity.is_controller or now - _denied.get(what, -QUIET_SECONDS) < QUIET_SECONDS:
        return
    if len(_denied) >= _MOST_DENIED:
        _denied.clear()
    _denied[what] = now
    audit.record(identity, action, target, outcome="denied", message=refusal.message)


_VALUES = ("data", "stringData")
_NOISE = ("Event", "Lease")
"""Written every few seconds by programs that run, and nobody's work."""
_OURS = ("uid", "creationTimestamp", "generation", "resourceVersion", "managedFields", "selfLink", "name", "namespace")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_DENIED = 10_000
_denied: dict[tuple[Any, ...], float] = {}


def forget_denials() -> None:
    _denied.clear()


def asked(kind: str, name: str, namespace: str, subresource: str) -> Target:
    """What a caller named, cut to what is kept: nobody has checked it."""
    return Target(kind[:64], name[:253], namespace[:63], subresource[:32])


def _target(key: Key, subresource: str) -> Target:
    return Target(key.kind, key.name, key.namespace, subresource)


def _told(obj: JSON | None, subresource: str) -> JSON:
    if obj is None:
        return {}
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _OURS}
    if _LAST_APPLIED in metadata.get("annotations", {}):  # says it all again, secrets too
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != _LAST_APPLIED}
    hidden = ("apiVersion", "kind", "metadata", *(() if subresource == "status" else ("status",)))
    told = {name: value for name, value in obj.items() if name not in hidden}
    return {"metadata": metadata, **told} if metadata else told
