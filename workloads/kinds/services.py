"""Service: one name and one address for pods that come and go. `servicespecs` has its rules.

Which address it gets is chosen by `admission.addresses`; who is behind it is kept by the controller of endpoints.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import servicespecs
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.kinds.servicespecs import CLIENT_IP, CLUSTER_IP, EXTERNAL_NAME, HEADLESS, LOAD_BALANCER

JSON = dict[str, Any]

AFFINITY_SECONDS = 10800
NAME_LABEL = "kubernetes.io/service-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"
"""Both of the objects that say who is behind a Service."""
_LONGEST_ADDRESS = 16


def has_address(spec: JSON) -> bool:
    """Whether this type of Service has an address of its own or says that it wants none (headless)."""
    return spec.get("type") != EXTERNAL_NAME


def is_headless(service: JSON) -> bool:
    return bool(service["spec"].get("clusterIP") == HEADLESS)


def address_of(service: JSON) -> str:
    """Its address inside; "" without one."""
    address = service["spec"].get("clusterIP", "")
    return "" if address == HEADLESS else str(address)


def set_address(service: JSON, address: str) -> None:
    service["spec"] |= {"clusterIP": address, "clusterIPs": [address]}


def default(obj: JSON) -> None:
    """As Kubernetes, but for node ports: nobody could reach them, so a LoadBalancer has none."""
    spec = obj.setdefault("spec", {})
    spec["type"] = spec.get("type") or CLUSTER_IP
    spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    _default_affinity(spec)
    for port in spec.get("ports") or ():
        port["protocol"] = port.get("protocol") or "TCP"
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if spec["type"] == LOAD_BALANCER:
        spec.setdefault("allocateLoadBalancerNodePorts", False)
        spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
    if has_address(spec):
        spec.setdefault("internalTrafficPolicy", "Cluster")


def prepare(obj: JSON, old: JSON | None) -> None:
    """What an update leaves out of what was given to a Service stays; what only its old type had goes."""
    spec = obj["spec"]
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "externalTrafficPolicy", "loadBalancerClass"):
        if not spec.get(name):
            spec.pop(name, None)
    if old is None:
        obj["status"] = {"loadBalancer": {}}
    else:
        _drop_what_the_old_type_had(spec, old["spec"])
        _settle_addresses(spec, old["spec"])
    if "clusterIP" in spec:
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    elif "clusterIPs" in spec:
        spec["clusterIP"] = spec["clusterIPs"][0]
    if has_address(spec):
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")


def _default_affinity(spec: JSON) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == CLIENT_IP:
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", AFFINITY_SECONDS)


def _drop_what_the_old_type_had(spec: JSON, old: JSON) -> None:
    """Only what is as it was: what somebody asks for anew is told what is wrong with it."""
    if has_address(old) and not has_address(spec):
        _drop_unchanged(spec, old, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
    if old["type"] == LOAD_BALANCER and spec["type"] != LOAD_BALANCER:
        names = "allocateLoadBalancerNodePorts", "loadBalancerClass", "externalTrafficPolicy"
        _drop_unchanged(spec, old, *names)


def _drop_unchanged(spec: JSON, old: JSON, *names: str) -> None:
    for name in names:
        if name in spec and spec[name] == old.get(name):
            del spec[name]


def _settle_addresses(spec: JSON, old: JSON) -> None:
    """An update may speak of clusterIP alone, or leave both out."""
    if not has_address(spec) or not has_address(old):
        return
    before = old.get("clusterIP")
    if "clusterIP" not in spec and spec.get("clusterIPs", old.get("clusterIPs")) == old.get("clusterIPs"):
        spec |= {"clusterIP": before, "clusterIPs": list(old.get("clusterIPs") or [before])}
    elif spec.get("clusterIP") != before and spec.get("clusterIPs") == old.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def _external(obj: JSON, *, whole: bool = False) -> str:
    """As kubectl's printer has it, which cuts a load balancer's addresses where there are several."""
    spec = obj["spec"]
    if spec["type"] == EXTERNAL_NAME:
        return str(spec.get("externalName") or NONE)
    if spec["type"] != LOAD_BALANCER:
        return NONE
    told = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    found = ",".join(sorted({one.get("ip") or one.get("hostname") or "" for one in told}))
    if len(found) > _LONGEST_ADDRESS and not whole:
        found = f"{found[: _LONGEST_ADDRESS - 3]}..."
    return found or "<pending>"


def _ports(obj: JSON) -> str:
    return ",".join(f"{port['port']}/{port['protocol']}" for port in obj["spec"].get("ports") or ()) or NONE


def _selector(obj: JSON) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((obj["spec"].get("selector") or {}).items())) or NONE


KIND = register(
    Kind(
        name="Service",
        plural="services",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Service",
        made_by_update=True,
        singular="service",
        short_names=("svc",),
        categories=("all",),
        subresources=("status",),
        columns=(
            NAME,
            Column("Type", lambda obj, now: obj["spec"]["type"], description="How the Service is exposed."),
            Column("Cluster-IP", lambda obj, now: obj["spec"].get("clusterIP") or NONE, description="Its address."),
            Column("External-IP", lambda obj, now: _external(obj), description="Where it is reached from outside."),
            Column("Port(s)", lambda obj, now: _ports(obj), description="The ports it answers on."),
            AGE,
            Column("Selector", lambda obj, now: _selector(obj), priority=1, description="The pods behind it."),
        ),
        default=default,
        validate=servicespecs.validate,
        prepare=prepare,
        facts=lambda obj: Facts(node=address_of(obj)),
        has_generation=False,
        field_selectors={
            "spec.clusterIP": lambda obj: str(obj["spec"].get("clusterIP", "")),
            "spec.type": lambda obj: str(obj["spec"]["type"]),
        },
    )
)
