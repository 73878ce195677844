"""Every namespace has one Network, and every Network is a bridge on this host before pods run in it.

The console's request form and a manifest bring their own Network a moment after the namespace; `kubectl create ns`
brings none. So a namespace gets a default one when it has stood without for `GRACE`, and the default one makes way for
another while no pod uses it. The Network's finalizer keeps it until the bridge is empty and gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Network
from typing import Any

import orjson

from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result, TerminalError
from workloads.controllers.host import Host
from workloads.meta import times
from workloads.meta.errors import AlreadyExists, Conflict
from workloads.meta.keys import Key
from workloads.runtimes import translate
from workloads.runtimes.base import RuntimeFault
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

DEFAULT_NAME = "default-network"
FINALIZER = "networking.cci.io/bridge"
GRACE = timedelta(seconds=2)
LOOK_AGAIN_AT_ONCE = 0.1
PODS_LEFT_SECONDS = 5.0
COMPONENT = "network-controller"


def controller(host: Host, *, pool: str) -> Controller:
    """`pool` is the range that default Networks are cut from."""
    return Controller(
        name="networks",
        queue="node",
        keys=keys,
        reconcile=partial(reconcile, host, pool),
        resync=lambda: hands.every_key("Namespace", "Network"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """Networks and namespaces themselves; a Network that waits for the last pod of its namespace."""
    key = entry.key
    if key.kind == "Namespace":
        return [key] if entry.type == "ADDED" else []
    if key.kind == "Network":
        return _left_behind(key) if entry.type == "DELETED" else [key]
    if key.kind == "Pod" and entry.type == "DELETED":
        rows = objects.scan("Network", account=key.account, namespace=key.namespace, deleting=True).rows
        return [row.key for row in rows]
    return []


def _left_behind(gone: Key) -> list[Key]:
    """The namespace, which may need a default now, and the Network that was second."""
    rows = objects.scan("Network", account=gone.account, namespace=gone.namespace).rows
    return [Key(gone.account, "Namespace", "", gone.namespace), *(row.key for row in rows)]


def reconcile(host: Host, pool: str, key: Key) -> Result | None:
    door = hands.client("networks", key.account)
    obj = hands.read(door, key)
    if obj is None:
        return None
    if key.kind == "Namespace":
        return _ensure_default(door, obj, account=key.account, pool=pool)
    try:
        if owners.is_deleting(obj):
            return _close(host, door, obj, account=key.account)
        return _open(host, door, obj, account=key.account, pool=pool)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)


# What others ask


def of(door: Client, namespace: str) -> JSON | None:
    """The namespace's Network: the oldest that stays."""
    found = [one for one in door.list("Network", namespace).items if not owners.is_deleting(one)]
    return min(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]), default=None)


def active(door: Client, namespace: str) -> JSON | None:
    network = of(door, namespace)
    return network if network and _state(network) == "Active" else None


def why_not_active(door: Client, namespace: str) -> str:
    """A sentence for a pod that waits."""
    network = of(door, namespace)
    if network is None:
        return f'namespace "{namespace}" has no Network yet'
    said = (network.get("status") or {}).get("message")
    text = f'network "{network["metadata"]["name"]}" is {_state(network) or "Initializing"}'
    return f"{text}: {said}" if said else text


def _state(network: JSON) -> str:
    return str((network.get("status") or {}).get("state", ""))


# A namespace without one


def _ensure_default(door: Client, namespace: JSON, *, account: str, pool: str) -> Result | None:
    name = namespace["metadata"]["name"]
    if owners.is_deleting(namespace) or of(door, name) is not None:
        return None
    age = datetime.now(UTC) - times.parse(namespace["metadata"]["creationTimestamp"])
    if age < GRACE:
        return Result((GRACE - age).total_seconds())
    manifest = default_network(account=account, namespace=namespace, cidr=next_cidr(pool, taken=_cidrs_in_use()))
    try:
        door.create("Network", manifest, name)
    except AlreadyExists:
        return Result(1.0)
    return None


def default_network(*, account: str, namespace: JSON, cidr: str) -> JSON:
    """Its ids are made from the namespace's uid, so that a second try makes the same Network."""

    def made_id(what: str) -> str:
        return str(uuid.uuid5(uuid.UUID(namespace["metadata"]["uid"]), what))

    return {
        "apiVersion": "networking.cci.io/v1beta1",
        "kind": "Network",
        "metadata": {"name": DEFAULT_NAME, "namespace": namespace["metadata"]["name"]},
        "spec": {
            "networkType": "underlay_neutron",
            "attachedVPC": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"vpc.{account}")),
            "networkID": made_id("network"),
            "subnetID": made_id("subnet"),
            "cidr": cidr,
        },
    }


def next_cidr(pool: str, *, taken: Iterable[str]) -> str:
    """The first free /24 of the pool. Raises TerminalError when none is left."""
    used = [IPv4Network(cidr, strict=False) for cidr in taken]
    for candidate in IPv4Network(pool).subnets(new_prefix=24):
        if not any(candidate.overlaps(other) for other in used):
            return str(candidate)
    raise TerminalError(f"no free /24 is left in {pool}: widen CCI_POD_CIDR or delete a namespace")


def _cidrs_in_use() -> list[str]:
    """Asked for and given, by every Network of every account: one host carries them all."""
    found = []
    for row in objects.scan("Network").rows:
        network = orjson.loads(row.data)
        found += [network["spec"].get("cidr"), (network.get("status") or {}).get("cidr")]
    return [cidr for cidr in found if cidr]


# A Network


def _open(host: Host, door: Client, network: JSON, *, account: str, pool: str) -> Result | None:
    first = of(door, network["metadata"]["namespace"])
    if first and first["metadata"]["uid"] != network["metadata"]["uid"]:
        return _be_second(door, network, first=first)
    network = _with_finalizer(door, network)
    spec = translate.network(network, account=account)
    if not spec.cidr:
        spec = replace(spec, cidr=next_cidr(pool, taken=_cidrs_in_use()))
    try:
        given = host.runtime().ensure_network(spec)
    except RuntimeFault as error:
        state = "Active" if _state(network) == "Active" else "Pending"
        _put(door, network, state=state, message=str(error))
        hands.tell(door, network, component=COMPONENT, reason="NetworkNotReady", message=str(error), type="Warning")
        raise
    asked = network["spec"].get("cidr", "")
    note = f"{asked} is taken on this host; {given.cidr} is used instead" if asked not in ("", given.cidr) else ""
    _put(door, network, state="Active", message=note, cidr=given.cidr)
    return None


def _be_second(door: Client, network: JSON, *, first: JSON) -> Result | None:
    """A namespace has one Network. A default one makes way while no pod is there; any other stays."""
    namespace, name = network["metadata"]["namespace"], first["metadata"]["name"]
    if name == DEFAULT_NAME and not door.count("Pod", namespace):
        door.delete("Network", name, namespace)
        return Result(PODS_LEFT_SECONDS)
    _put(door, network, state="Failed", message=f'the namespace already has the network "{name}"')
    return None


def _put(door: Client, network: JSON, *, state: str, message: str = "", cidr: str = "") -> None:
    hands.put_status(door, network, _status(network, state=state, message=message, cidr=cidr))


def _status(network: JSON, *, state: str, message: str = "", cidr: str = "") -> JSON:
    status: JSON = deepcopy(network.get("status") or {})
    status["state"] = state
    status.pop("message", None)
    if message:
        status["message"] = message
    if cidr:
        status["cidr"] = cidr
    status["observedGeneration"] = network["metadata"].get("generation", 1)
    return status


def _with_finalizer(door: Client, network: JSON) -> JSON:
    """Before the bridge is made, so that the Network cannot go without it."""
    finalizers = network["metadata"].get("finalizers") or []
    return network if FINALIZER in finalizers else _set_finalizers(door, network, [*finalizers, FINALIZER])


def _set_finalizers(door: Client, network: JSON, finalizers: list[str]) -> JSON:
    metadata = network["metadata"]
    patch = {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "finalizers": finalizers or None,
        }
    }
    return door.patch("Network", metadata["name"], patch, "application/merge-patch+json", metadata["namespace"]).obj


def _close(host: Host, door: Client, network: JSON, *, account: str) -> Result | None:
    """Waits for the last pod, then takes the bridge away and lets the Network go."""
    metadata = network["metadata"]
    if FINALIZER not in (metadata.get("finalizers") or ()):
        return None
    left = objects.count("Pod", account=account, namespace=metadata["namespace"])
    if left:
        _put(door, network, state=_state(network) or "Pending", message=f"waits for {left} pods to end")
        return Result(PODS_LEFT_SECONDS)
    _sweep(host, account=account, namespace=metadata["namespace"])
    host.runtime().remove_network(translate.network(network, account=account).name)
    _set_finalizers(door, network, [name for name in metadata["finalizers"] if name != FINALIZER])
    return None


def _sweep(host: Host, *, account: str, namespace: str) -> None:
    """Removes sandboxes whose pod is gone from the store: what a worker that was thought dead may have left. The agent
    does the same for all namespaces, but only now and then."""
    runtime = host.runtime()
    for sandbox in runtime.sandboxes():
        if (sandbox.account, sandbox.namespace) == (account, namespace) and not _exists(sandbox.uid):
            runtime.remove_sandbox(sandbox.uid)


def _exists(uid: str) -> bool:
    try:
        objects.read_uid(uid)
    except objects.Missing:
        return False
    return True
