"""The first step: may this identity do that? Nothing is read before it is asked."""

from __future__ import annotations

from typing import Any, Literal

from iam.identities import Identity
from workloads.kinds import podspecs
from workloads.kinds.base import Kind
from workloads.meta.errors import Forbidden, MethodNotAllowed, Refused

Verb = Literal["get", "list", "create", "update", "delete"]


def check(identity: Identity, kind: Kind, verb: Verb) -> None:
    """Raises Forbidden with the action that is missing. A patch is an update, deleting a collection is a delete. What
    is the same for everybody is nobody's to change: MethodNotAllowed."""
    if kind.fixed and verb not in ("get", "list"):
        raise MethodNotAllowed(f"{kind.resource} are the same for everybody: they can only be read")
    check_action(identity, f"cci:{noun(kind)}:{verb}")


def check_action(identity: Identity, action: str) -> None:
    if identity.is_controller or identity.may(action):
        return
    raise Forbidden(action)


def noun(kind: Kind) -> str:
    return kind.noun or kind.singular or kind.name.lower()


def only_controllers(identity: Identity, kind: Kind, part: str) -> None:
    """Status is measured and billed from, so no user writes it, whatever the policies say."""
    if identity.is_controller:
        return
    raise Refused(f"{kind.plural}/{part} is written by the service alone: change the spec, the {part} follows")


def placement(identity: Identity, kind: Kind, new: dict[str, Any], old: dict[str, Any]) -> None:
    """Which node a pod runs on, with which of its cards, and which volume a claim has, is said once, by the service."""
    field = _PLACES.get(kind.name)
    if field is None or identity.is_controller:
        return
    devices, name = podspecs.DEVICES_ANNOTATION, old["metadata"]["name"]
    if kind.name == "Pod" and podspecs.annotated(new, devices) != podspecs.annotated(old, devices):
        raise Refused(f'pods "{name}": the annotation {devices} is set by the service alone')
    if new["spec"].get(field) != old["spec"].get(field):
        raise Refused(f'{kind.plural} "{name}": spec.{field} is set by the service alone')


_PLACES = {"Pod": "nodeName", "PersistentVolumeClaim": "volumeName"}
