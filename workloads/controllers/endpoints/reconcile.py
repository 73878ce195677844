"""One look at a Service: Endpoints and EndpointSlices become what its selector and its pods say.

The key is the Service's, present or gone. Slices are found by their label and pods by the selector, so a look after a
crash finds what an earlier one made; whatever is half written is finished by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.controllers.endpoints import behind, slices
from workloads.kinds import services
from workloads.kinds.endpointslices import FROM_PODS, MANAGED_BY
from workloads.kinds.servicespecs import EXTERNAL_NAME
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, Refused
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

FROM_ENDPOINTS = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
LOOK_AGAIN_AT_ONCE = 0.1
_MOST_MIRRORED = 1000


def controller() -> Controller:
    return Controller(
        name="endpoints",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: owners.unique(map(_service_of, hands.every_key("Service", "Endpoints"))),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The Service itself; the one whose Endpoints or slice changed; for a pod, those that select it, now or before."""
    match entry.key.kind:
        case "Service" | "Endpoints":
            return [_service_of(entry.key)]
        case "EndpointSlice":
            return _labelled(entry)
        case "Pod":
            return _selecting(entry)
    return []


def reconcile(key: Key) -> Result | None:
    door = hands.client("endpoints", key.account)
    service = hands.read(door, key)
    try:
        # the namespace may be on its way out, and another worker may have been first
        with suppress(Refused, AlreadyExists):
            _settle(door, key, service)
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)
    return None


def _settle(door: Client, key: Key, service: JSON | None) -> None:
    if service is None or owners.is_deleting(service):
        _leave(door, key)
        return
    spec = service["spec"]
    if spec["type"] == EXTERNAL_NAME:
        _write_slices(door, service, service, FROM_PODS, {}, empty=False)
        _write_slices(door, service, service, FROM_ENDPOINTS, {}, empty=False)
    elif spec.get("selector"):
        pods = _pods(door, service)
        _write_endpoints(door, service, pods)
        _write_slices(door, service, service, FROM_PODS, behind.grouped(service, pods))
        _write_slices(door, service, service, FROM_ENDPOINTS, {}, empty=False)
    else:
        _write_slices(door, service, service, FROM_PODS, {}, empty=False)
        _mirror(door, service)


def _pods(door: Client, service: JSON) -> list[JSON]:
    selector = ",".join(f"{name}={value}" for name, value in sorted(service["spec"]["selector"].items()))
    return door.list("Pod", service["metadata"]["namespace"], label_selector=selector).items


# Endpoints


def _write_endpoints(door: Client, service: JSON, pods: list[JSON]) -> None:
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    subsets, is_cut = behind.subsets(service, pods)
    found = hands.read(door, Key(door.identity.account, "Endpoints", namespace, name))
    metadata: JSON = {"name": name, "labels": behind.endpoints_labels(service)}
    annotations = dict((found or {"metadata": {}})["metadata"].get("annotations") or {})
    annotations.pop(behind.OVER_CAPACITY, None)
    if is_cut:
        annotations[behind.OVER_CAPACITY] = "truncated"
    if annotations:
        metadata["annotations"] = annotations
    wanted: JSON = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    if subsets:
        wanted["subsets"] = subsets
    if found is None:
        door.create("Endpoints", wanted, namespace)
    elif any(_part(found, part) != _part(wanted, part) for part in ("labels", "annotations", "subsets")):
        metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        door.update("Endpoints", name, wanted, namespace)


def _leave(door: Client, key: Key) -> None:
    """The Service is gone. Slices of its pods have it as owner and are collected. Endpoints go when they are ours,
    or when they were mirrored, which says that the Service was there: some are written before their Service is."""
    found, mirrored = hands.read(door, key._replace(kind="Endpoints")), _slices(door, key, FROM_ENDPOINTS)
    labels = (found or {"metadata": {}})["metadata"].get("labels") or {}
    if found is not None and (mirrored or labels.get(behind.ENDPOINTS_MANAGED_BY) == behind.ENDPOINTS_MANAGER):
        with suppress(NotFound):
            door.delete("Endpoints", key.name, key.namespace, options=DeleteOptions(uid=found["metadata"]["uid"]))
    for one in mirrored:
        with suppress(NotFound):
            door.delete("EndpointSlice", one["metadata"]["name"], key.namespace)


def _part(obj: JSON, part: str) -> Any:
    return (obj if part == "subsets" else obj["metadata"]).get(part) or None


# Slices


def _write_slices(
    door: Client,
    service: JSON,
    owner: JSON,
    manager: str,
    wanted: dict[behind.Ports, list[JSON]],
    *,
    empty: bool = True,
    labels: JSON | None = None,
) -> None:
    """Makes the slices of this manager hold `wanted`. `labels` beside those that say whose they are."""
    namespace = service["metadata"]["namespace"]
    own = _labels(service, manager, labels if labels is not None else service["metadata"].get("labels") or {})
    key = Key(door.identity.account, "Service", namespace, service["metadata"]["name"])
    existing = [one for one in _slices(door, key, manager) if not owners.is_deleting(one)]
    ours = {one["metadata"]["name"]: one for one in existing if owners.is_controlled_by(one, owner)}
    plan = slices.plan(wanted, ours.values(), empty=empty)
    strangers = [one["metadata"]["name"] for one in existing if one["metadata"]["name"] not in ours]
    for name in (*plan.deleted, *strangers):
        with suppress(NotFound):
            door.delete("EndpointSlice", name, namespace)
    for name, one in ours.items():
        content = plan.written.get(name)
        if name not in plan.deleted and (content or one["metadata"].get("labels") != own):
            _rewrite(door, one, own, content or {part: one[part] for part in ("ports", "endpoints") if part in one})
    for content in plan.created:
        metadata = {
            "generateName": f"{owner['metadata']['name']}-",
            "labels": own,
            "ownerReferences": [owners.reference(owner)],
        }
        door.create("EndpointSlice", {**_OF_SLICES, "metadata": metadata, **content}, namespace)


_OF_SLICES = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4"}


def _rewrite(door: Client, slice: JSON, labels: JSON, content: JSON) -> None:
    metadata = slice["metadata"]
    kept = {name: value for name, value in slice.items() if name not in ("ports", "endpoints")}
    wanted = {**kept, "metadata": {**metadata, "labels": labels}, **content}
    door.update("EndpointSlice", metadata["name"], wanted, metadata["namespace"])


def _labels(service: JSON, manager: str, others: JSON) -> JSON:
    labels = {**others, services.NAME_LABEL: service["metadata"]["name"], MANAGED_BY: manager}
    labels.pop(services.HEADLESS_LABEL, None)
    return {**labels, services.HEADLESS_LABEL: ""} if services.is_headless(service) else labels


def _slices(door: Client, service: Key, manager: str) -> list[JSON]:
    selector = f"{services.NAME_LABEL}={service.name},{MANAGED_BY}={manager}"
    return door.list("EndpointSlice", service.namespace, label_selector=selector).items


# Endpoints that people wrote


def _mirror(door: Client, service: JSON) -> None:
    """As slices, for whoever reads those alone. They belong to the Endpoints."""
    metadata = service["metadata"]
    found = hands.read(door, Key(door.identity.account, "Endpoints", metadata["namespace"], metadata["name"]))
    if found is None or not _is_mirrored(found):
        _write_slices(door, service, found or service, FROM_ENDPOINTS, {}, empty=False)
        return
    labels = found["metadata"].get("labels") or {}
    labels = {name: value for name, value in labels.items() if name != behind.ENDPOINTS_MANAGED_BY}
    _write_slices(door, service, found, FROM_ENDPOINTS, _mirrored(found), empty=False, labels=labels)


def _is_mirrored(endpoints: JSON) -> bool:
    metadata = endpoints["metadata"]
    skipped = (metadata.get("labels") or {}).get(SKIP_MIRROR) == "true"
    return not skipped and LEADER not in (metadata.get("annotations") or {})


def _mirrored(endpoints: JSON) -> dict[behind.Ports, list[JSON]]:
    """Of IPv4 alone, and not more than a thousand of a subset, as upstream."""
    found: dict[behind.Ports, list[JSON]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = [{"name": "", **port} for port in subset.get("ports") or ()]
        listed = [(one, True) for one in subset.get("addresses") or ()]
        listed += [(one, False) for one in subset.get("notReadyAddresses") or ()]
        group = found.setdefault(behind.frozen(ports), [])
        group += [_endpoint(one, ready=ready) for one, ready in listed[:_MOST_MIRRORED] if ":" not in one["ip"]]
    return {ports: group for ports, group in found.items() if group}


def _endpoint(address: JSON, *, ready: bool) -> JSON:
    found: JSON = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    return found | {name: address[name] for name in ("hostname", "nodeName", "targetRef") if name in address}


# Keys


def _service_of(key: Key) -> Key:
    return Key(key.account, "Service", key.namespace, key.name)


def _labelled(entry: Entry) -> list[Key]:
    found = []
    for slice in hands.now_and_before(entry):
        labels = slice["metadata"].get("labels") or {}
        if labels.get(MANAGED_BY) in (FROM_PODS, FROM_ENDPOINTS) and (name := labels.get(services.NAME_LABEL)):
            found.append(Key(entry.key.account, "Service", entry.key.namespace, name))
    return owners.unique(found)


def _selecting(entry: Entry) -> list[Key]:
    pods = hands.now_and_before(entry)
    if entry.type == "MODIFIED" and len(pods) == 2 and behind.concerns(pods[0]) == behind.concerns(pods[1]):
        return []
    labels = [pod["metadata"].get("labels") or {} for pod in pods]
    return [key for key, selector in _selectors(entry.key) if any(selector.items() <= one.items() for one in labels)]


def _selectors(beside: Key) -> Iterator[tuple[Key, JSON]]:
    for row in objects.scan("Service", account=beside.account, namespace=beside.namespace).rows:
        if selector := orjson.loads(row.data)["spec"].get("selector"):
            yield row.key, selector
