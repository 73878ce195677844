"""From a Service and the pods it selects to who is behind it. Pure.

Upstream's rules: a pod counts from its address until it has ended; it is ready when its condition says so and nobody
has asked it to go; `publishNotReadyAddresses` calls them all ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from workloads.kinds import services
from workloads.meta import conditions

JSON = dict[str, Any]
Ports = tuple[bytes, ...]
"""A list of ports, as something that can be compared: each of them as JSON."""
Group = tuple[list[JSON], list[JSON]]
"""Addresses that are ready, and that are not."""

ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
ENDPOINTS_MANAGER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MOST_ADDRESSES = 1000
"""In one Endpoints object; EndpointSlices hold them all."""
_OVER = ("Succeeded", "Failed")


def concerns(pod: JSON) -> Any:
    """What of a pod decides whether and how it is behind a Service: while it stays the same, nothing changes there."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (
        metadata.get("labels"),
        bool(metadata.get("deletionTimestamp")),
        [spec.get(name) for name in ("nodeName", "hostname", "subdomain")],
        [status.get(name) for name in ("podIP", "phase")],
        conditions.is_true(status, "Ready"),
    )


def counts(pod: JSON) -> bool:
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in _OVER


def is_leaving(pod: JSON) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def ports_of(service: JSON, pod: JSON) -> list[JSON]:
    """The Service's ports as this pod has them; a named target that the pod does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pod)
        if number is None:
            continue
        one = {"name": port.get("name", ""), "protocol": port["protocol"], "port": number}
        found.append({**one, "appProtocol": port["appProtocol"]} if "appProtocol" in port else one)
    return found


def grouped(service: JSON, pods: Iterable[JSON]) -> dict[Ports, list[JSON]]:
    """The endpoints of slices, by the ports they have in common."""
    found: dict[Ports, list[JSON]] = {}
    for pod in pods:
        if counts(pod):
            found.setdefault(frozen(ports_of(service, pod)), []).append(endpoint(service, pod))
    return found


def frozen(ports: Iterable[JSON]) -> Ports:
    return tuple(sorted(orjson.dumps(port, option=orjson.OPT_SORT_KEYS) for port in ports))


def thawed(ports: Ports) -> list[JSON]:
    return [orjson.loads(port) for port in ports]


def endpoint(service: JSON, pod: JSON) -> JSON:
    """A pod as an EndpointSlice names it."""
    leaving, serving = is_leaving(pod), conditions.is_true(pod.get("status") or {}, "Ready")
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    found: JSON = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": published or (serving and not leaving), "serving": serving, "terminating": leaving},
        "targetRef": _reference(pod),
    }
    if hostname := _hostname(service, pod):
        found["hostname"] = hostname
    if node := pod["spec"].get("nodeName"):
        found["nodeName"] = node
    return found


def subsets(service: JSON, pods: Iterable[JSON]) -> tuple[list[JSON], bool]:
    """What Endpoints hold, and whether that is not all: ready addresses come first when there are too many."""
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    found: dict[Ports, Group] = {}
    for pod in pods:
        if not counts(pod) or (is_leaving(pod) and not published):
            continue
        ports = ports_of(service, pod)
        if not ports and service["spec"].get("ports"):
            continue
        ready = published or conditions.is_true(pod["status"], "Ready")
        group = found.setdefault(frozen(ports), ([], []))
        group[0 if ready else 1].append(_address(service, pod))
    total = sum(len(part) for group in found.values() for part in group)
    if total > MOST_ADDRESSES:
        found = _cut(found)
    return [_subset(ports, *found[ports]) for ports in sorted(found)], total > MOST_ADDRESSES


def endpoints_labels(service: JSON) -> JSON:
    labels = {**(service["metadata"].get("labels") or {}), ENDPOINTS_MANAGED_BY: ENDPOINTS_MANAGER}
    labels.pop(services.HEADLESS_LABEL, None)
    return {**labels, services.HEADLESS_LABEL: ""} if services.is_headless(service) else labels


def _target(port: JSON, pod: JSON) -> int | None:
    target = port["targetPort"]
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in (*spec.get("containers", ()), *sidecars):
        for named in container.get("ports") or ():
            if named.get("name") == target and named.get("protocol", "TCP") == port["protocol"]:
                return int(named["containerPort"])
    return None


def _reference(pod: JSON) -> JSON:
    metadata = pod["metadata"]
    return {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}


def _hostname(service: JSON, pod: JSON) -> str:
    """Pods of a Service have names of their own in DNS when they name it as their subdomain."""
    spec = pod["spec"]
    return str(spec.get("hostname", "")) if spec.get("subdomain") == service["metadata"]["name"] else ""


def _address(service: JSON, pod: JSON) -> JSON:
    found: JSON = {"ip": pod["status"]["podIP"], "targetRef": _reference(pod)}
    if hostname := _hostname(service, pod):
        found["hostname"] = hostname
    if node := pod["spec"].get("nodeName"):
        found["nodeName"] = node
    return found


def _cut(found: Mapping[Ports, Group]) -> dict[Ports, Group]:
    left, kept = MOST_ADDRESSES, dict[Ports, Group]()
    for part in (0, 1):
        for ports in sorted(found):
            some = sorted(found[ports][part], key=_ip)[:left]
            kept.setdefault(ports, ([], []))[part].extend(some)
            left -= len(some)
    return {ports: group for ports, group in kept.items() if any(group)}


def _subset(ports: Ports, ready: list[JSON], unready: list[JSON]) -> JSON:
    found: JSON = {}
    if ready:
        found["addresses"] = sorted(ready, key=_ip)
    if unready:
        found["notReadyAddresses"] = sorted(unready, key=_ip)
    if ports:
        found["ports"] = [{name: value for name, value in port.items() if value != ""} for port in thawed(ports)]
    return found


def _ip(address: JSON) -> tuple[int, ...]:
    return tuple(int(part) for part in address["ip"].split(".")) if "." in address["ip"] else (0,)
