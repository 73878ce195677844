"""The first step: may this identity do that? Nothing is read before it is asked."""

from __future__ import annotations

from typing import Any, Literal

from iam.identities import Identity
from workloads.kinds import podspecs
from workloads.kinds.base import Kind
from workloads.meta.errors import Forbidden, Refused

Verb = Literal["get", "list", "create", "update", "delete"]


def check(identity: Identity, kind: Kind, verb: Verb) -> None:
    """Raises Forbidden with the action that is missing. A patch is an update, deleting a collection is a delete."""
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
    """Which node a pod runs on, and with which of its cards, is said once, by the service."""
    if kind.name != "Pod" or identity.is_controller:
        return
    devices = podspecs.DEVICES_ANNOTATION
    if podspecs.annotated(new, devices) != podspecs.annotated(old, devices):
        raise Refused(f'pods "{old["metadata"]["name"]}": the annotation {devices} is set by the service alone')
    if new["spec"].get("nodeName") != old["spec"].get("nodeName"):
        raise Refused(f'pods "{old["metadata"]["name"]}": spec.nodeName is set by the service alone')
