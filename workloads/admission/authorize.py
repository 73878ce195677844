"""The first step: may this identity do that? Nothing of the object is read before it is asked.

Policies (IAM) decide for people, in the whole account. In a namespace that was made with roles, a role must allow it as
well. For ServiceAccounts roles alone decide, everywhere. Controllers may everything.
"""

from __future__ import annotations

from typing import Any, Literal

from iam.identities import MASTERS, Identity
from workloads.admission import rbac
from workloads.kinds import podspecs
from workloads.kinds.base import Kind
from workloads.kinds.rolerules import Question
from workloads.meta.errors import Forbidden, MethodNotAllowed, Refused
from workloads.store import objects

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]

READS = ("get", "list", "watch")
_OF_OBJECT = ("", "status", "scale", "finalize", "approve")
"""Subresources that policies do not tell from the object itself; others have a noun of their own."""
_IAM_VERBS = {"watch": "list", "patch": "update", "deletecollection": "delete"}
_ACCOUNT_WIDE = ("ClusterRole", "ClusterRoleBinding")
"""What is written here reaches into every namespace."""


def check(
    identity: Identity,
    kind: Kind,
    verb: Verb,
    *,
    namespace: str | None = None,
    name: str = "",
    subresource: str = "",
) -> None:
    """Raises Forbidden with the action that is missing. `namespace` None (or "") asks for all namespaces at once. What
    is the same for everybody is nobody's to change: MethodNotAllowed."""
    if kind.is_fixed and verb not in READS:
        raise MethodNotAllowed(f"{kind.resource} are the same for everybody: they can only be read")
    refusal = verdict(identity, kind, verb, namespace=namespace, name=name, subresource=subresource)
    if refusal is not None:
        raise refusal


def verdict(
    identity: Identity,
    kind: Kind,
    verb: str,
    *,
    namespace: str | None = None,
    name: str = "",
    subresource: str = "",
) -> Forbidden | None:
    """Why not; None when it is allowed. `verb` may be one of Kubernetes' special ones, too (bind, escalate, ...)."""
    if identity.is_controller:
        return None
    action = action_of(kind, verb, subresource)
    place = _place(kind, namespace, name)
    if not identity.is_service_account and not identity.may(action, place):
        return Forbidden(action, details=_details(kind, name))
    if MASTERS in identity.groups:
        return None
    question = Question(verb, kind.group, kind.plural, subresource, name)
    for scope in _scopes(identity, kind, verb, place):
        if not rbac.allows(identity, question, scope):
            return Forbidden(action, sentence=_sentence(identity, question, scope), details=_details(kind, name))
    return None


def visible(identity: Identity, kind: Kind) -> frozenset[str] | None:
    """For a list across namespaces that leaves out what may not be seen: the namespaces to list in (of Namespaces,
    their names), None for all. Raises Forbidden when policies allow it nowhere."""
    refusal = verdict(identity, kind, "list")
    if refusal is None:
        return None
    if not kind.namespaced and kind.name != "Namespace":
        raise refusal
    rows = objects.scan("Namespace", account=identity.account).rows
    seen = frozenset(row.key.name for row in rows if _lists_in(identity, kind, row.key.name))
    if not seen and not identity.may(action_of(kind, "list"), None):
        raise refusal
    return seen


def _lists_in(identity: Identity, kind: Kind, namespace: str) -> bool:
    name = "" if kind.namespaced else namespace
    return verdict(identity, kind, "list", namespace=namespace, name=name) is None


def check_action(identity: Identity, action: str, *, namespace: str | None = None) -> None:
    """For what is no verb on an object. Roles have no word for it, so it is never a ServiceAccount's."""
    if identity.is_controller or (not identity.is_service_account and identity.may(action, namespace)):
        return
    raise Forbidden(action)


def action_of(kind: Kind, verb: str, subresource: str = "") -> str:
    """`cci:pod:update`, `cci:podlog:get`. An eviction is the delete of a pod."""
    if subresource == "eviction":
        return f"cci:{noun(kind)}:delete"
    part = "" if subresource in _OF_OBJECT else subresource
    return f"cci:{noun(kind)}{part}:{_IAM_VERBS.get(verb, verb)}"


def noun(kind: Kind) -> str:
    return kind.noun or kind.singular or kind.name.lower()


def only_controllers(identity: Identity, kind: Kind, name: str, part: str) -> None:
    """Status is measured and billed from, so no user writes it, whatever the policies say."""
    if identity.is_controller:
        return
    why = f"{kind.plural}/{part} is written by the service alone: change the spec, the {part} follows"
    raise Refused.named(kind.plural, name, why, group=kind.group)


def placement(identity: Identity, kind: Kind, new: dict[str, Any], old: dict[str, Any]) -> None:
    """Which node a pod runs on, with which of its cards, and which volume a claim has, is said once, by the service."""
    field = _PLACES.get(kind.name)
    if field is None or identity.is_controller:
        return
    devices, name = podspecs.DEVICES_ANNOTATION, old["metadata"]["name"]
    if kind.name == "Pod" and podspecs.annotated(new, devices) != podspecs.annotated(old, devices):
        raise Refused.named("pods", name, f"the annotation {devices} is set by the service alone")
    if new["spec"].get(field) != old["spec"].get(field):
        raise Refused.named(kind.plural, name, f"spec.{field} is set by the service alone", group=kind.group)


_PLACES = {"Pod": "nodeName", "PersistentVolumeClaim": "volumeName"}


def _place(kind: Kind, namespace: str | None, name: str) -> str | None:
    """The namespace that policies are asked about: a Namespace is its own place; None for all, "" for none."""
    if kind.namespaced:
        return namespace or None
    if kind.name == "Namespace":
        return name or None
    return ""


def _scopes(identity: Identity, kind: Kind, verb: str, place: str | None) -> tuple[str | None, ...]:
    """Where roles must allow it, each for itself: a namespace, or None for the whole account."""
    if identity.is_service_account:
        return (place or None,)
    if kind.name in _ACCOUNT_WIDE and verb not in READS:
        return tuple(sorted(rbac.switched(identity.account)))
    if kind.name == "Namespace" and (verb in READS or verb == "create"):
        return ()
    if place is None:
        return tuple(sorted(rbac.switched(identity.account)))
    return (place,) if place and rbac.switched_on(identity.account, place) else ()


def _details(kind: Kind, name: str) -> dict[str, Any]:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def _sentence(identity: Identity, asked: Question, scope: str | None) -> str:
    """In Kubernetes' words."""
    where = f'in the namespace "{scope}"' if scope else "at the cluster scope"
    return f'User "{identity.user}" cannot {asked.verb} resource "{asked.path}" in API group "{asked.group}" {where}'
