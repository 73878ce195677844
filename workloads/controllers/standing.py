"""What stands in every namespace without being asked for: the ServiceAccount `default`, and the ConfigMap
`kube-root-ca.crt` with the certificate that this installation's TLS door is checked by. Whoever takes one away or
writes into the ConfigMap gets it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from iam import pki
from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import configmaps, serviceaccounts
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, Refused
from workloads.meta.keys import Key
from workloads.store.changes import Entry

JSON = dict[str, Any]

LOOK_AGAIN_AT_ONCE = 0.1
_NAMES = {"ConfigMap": configmaps.ROOT_CA, "ServiceAccount": serviceaccounts.DEFAULT}
_ABOUT = {
    "kubernetes.io/description": "Holds the certificate that the Kubernetes API of this installation is verified by."
}


def controller() -> Controller:
    return Controller(
        name="standing",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("Namespace"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """A namespace that is new, and the one whose standing object was changed or taken away."""
    key = entry.key
    if key.kind == "Namespace":
        return [key] if entry.type == "ADDED" else []
    if entry.type == "ADDED" or _NAMES.get(key.kind) != key.name:
        return []
    return [Key(key.account, "Namespace", "", key.namespace)]


def reconcile(key: Key) -> Result | None:
    door = hands.client("standing", key.account)
    namespace = hands.read(door, key)
    if namespace is None or owners.is_deleting(namespace):
        return None
    try:
        # a namespace may go, and another controller may be first, at any moment
        with suppress(NotFound, Refused, AlreadyExists):
            _ensure_account(door, key.name)
        with suppress(NotFound, Refused, AlreadyExists):
            _ensure_certificate(door, key.name)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)
    return None


def _ensure_account(door: Client, namespace: str) -> None:
    name = serviceaccounts.DEFAULT
    if hands.read(door, Key(door.identity.account, "ServiceAccount", namespace, name)) is None:
        manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        door.create("ServiceAccount", manifest, namespace)


def _ensure_certificate(door: Client, namespace: str) -> None:
    name = configmaps.ROOT_CA
    data = {"ca.crt": pki.ensure().ca.read_text()}
    found = hands.read(door, Key(door.identity.account, "ConfigMap", namespace, name))
    if found is None:
        metadata = {"name": name, "annotations": dict(_ABOUT)}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        door.create("ConfigMap", manifest, namespace)
    elif found.get("data") != data or found.get("binaryData"):
        found.pop("binaryData", None)
        door.update("ConfigMap", name, {**found, "data": data}, namespace)
