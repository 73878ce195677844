"""What a Service may ask for. Kubernetes' rules and words; what nodes would be needed for is refused by name."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from workloads.kinds import elbannotations, ips, objectmeta
from workloads.kinds.elbs import INSIDE
from workloads.kinds.networks import SERVICES
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

CLUSTER_IP, LOAD_BALANCER, EXTERNAL_NAME, NODE_PORT = "ClusterIP", "LoadBalancer", "ExternalName", "NodePort"
TYPES = (CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER)
HEADLESS = "None"
CLIENT_IP = "ClientIP"
PROTOCOLS = ("TCP", "UDP")
RESERVED = 16
"""The first addresses of the range are the service's own (its API, its DNS) and nobody's to ask for."""
LAST = INSIDE.network_address - 1
"""What is behind it belongs to ELBs."""
LONGEST_AFFINITY_SECONDS = 86400
NO_NODE_PORTS = (
    "NodePort is not offered: there are no nodes to reach; use type LoadBalancer to be reached from outside, "
    "or ClusterIP from inside"
)
_ONCE = "may not change once set"
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_NOT_EXTERNAL = "may not be set for ExternalName services"
_ELB = "is not offered: name an ELB by the annotations kubernetes.io/elb.id or kubernetes.io/elb.ip"


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = objectmeta.validate(obj, name_rule=names.dns_1035_label) + _type(spec)
    headless = spec.get("clusterIP") == HEADLESS
    if not spec.get("ports") and not headless and spec["type"] != EXTERNAL_NAME:
        found.append(causes.required("spec.ports"))
    found += _ports(spec.get("ports") or [])
    for key, value in (spec.get("selector") or {}).items():
        found += [causes.invalid("spec.selector", key, text) for text in names.qualified_name(key)]
        found += [causes.invalid("spec.selector", value, text) for text in names.label_value(value)]
    found += _affinity(spec) + _external_name(spec) + _addresses(spec) + _families(spec) + _policies(spec)
    found += _balanced(spec) + _refused(spec) + elbannotations.problems(obj)
    return found if old is None else found + _changes(spec, old["spec"])


def _type(spec: JSON) -> list[Cause]:
    if spec["type"] == NODE_PORT:
        return [causes.forbidden("spec.type", NO_NODE_PORTS)]
    return [] if spec["type"] in TYPES else [causes.unsupported("spec.type", spec["type"], TYPES)]


def _ports(ports: list[JSON]) -> list[Cause]:
    found: list[Cause] = []
    seen_names, seen = set[str](), set[tuple[str, int]]()
    for index, port in enumerate(ports):
        field, name = f"spec.ports[{index}]", port.get("name", "")
        found += _port(port, field, must_be_named=len(ports) > 1)
        if name and name in seen_names:
            found.append(causes.duplicate(f"{field}.name", name))
        place = port["protocol"], port.get("port", 0)
        if place in seen:
            found.append(causes.duplicate(field, {"protocol": place[0], "port": place[1]}))
        seen_names.add(name)
        seen.add(place)
    return found


def _port(port: JSON, field: str, *, must_be_named: bool) -> list[Cause]:
    name, number, target = port.get("name", ""), port.get("port", 0), port["targetPort"]
    found = [causes.invalid(f"{field}.name", name, text) for text in names.dns_label(name)] if name else []
    if must_be_named and not name:
        found.append(causes.required(f"{field}.name"))
    found += [causes.invalid(f"{field}.port", number, text) for text in names.port_number(number)]
    if port["protocol"] not in PROTOCOLS:
        found.append(causes.unsupported(f"{field}.protocol", port["protocol"], PROTOCOLS))
    problems = names.port_number(target) if isinstance(target, int) else names.port_name(target)
    found += [causes.invalid(f"{field}.targetPort", target, text) for text in problems]
    if said := port.get("appProtocol"):
        found += [causes.invalid(f"{field}.appProtocol", said, text) for text in names.qualified_name(said)]
    if port.get("nodePort"):
        found.append(causes.forbidden(f"{field}.nodePort", NO_NODE_PORTS))
    return found


def _affinity(spec: JSON) -> list[Cause]:
    if spec["sessionAffinity"] not in (CLIENT_IP, "None"):
        return [causes.unsupported("spec.sessionAffinity", spec["sessionAffinity"], (CLIENT_IP, "None"))]
    if spec["sessionAffinity"] == "None":
        return []
    seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"]
    if 0 < seconds <= LONGEST_AFFINITY_SECONDS:
        return []
    rule = f"must be greater than 0 and less than {LONGEST_AFFINITY_SECONDS}"
    return [causes.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, rule)]


def _external_name(spec: JSON) -> list[Cause]:
    if spec["type"] != EXTERNAL_NAME:
        return []
    unwanted = [name for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy") if spec.get(name)]
    found = [causes.forbidden(f"spec.{name}", _NOT_EXTERNAL) for name in unwanted]
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        return [*found, causes.required("spec.externalName")]
    return found + [causes.invalid("spec.externalName", name, text) for text in names.dns_subdomain(name)]


def _addresses(spec: JSON) -> list[Cause]:
    """Whether an address is still free is asked later, when it is taken."""
    asked, listed = spec.get("clusterIP"), spec.get("clusterIPs") or []
    if spec["type"] == EXTERNAL_NAME or not asked:
        return []
    if asked == HEADLESS and spec["type"] == LOAD_BALANCER:
        return [causes.invalid("spec.clusterIPs[0]", asked, "may not be set to 'None' for LoadBalancer services")]
    if listed[0] != asked:
        return [causes.invalid("spec.clusterIPs", listed, "first value must match `clusterIP`")]
    if len(listed) > 1:
        rule = "may only hold one value: this installation has IPv4 alone"
        return [causes.invalid("spec.clusterIPs", listed, rule)]
    if asked == HEADLESS:
        return []
    address = ips.parsed(asked)
    if address is None:
        return [causes.invalid("spec.clusterIPs[0]", asked, ips.RULE)]
    return _range_causes(str(address), listed) if str(address) == asked else _uncanonical(asked, str(address))


def _range_causes(address: str, listed: list[str]) -> list[Cause]:
    first, last = SERVICES.network_address + RESERVED, LAST
    parsed = ips.parsed(address)
    if isinstance(parsed, IPv4Address) and first <= parsed <= last:
        return []
    rule = (
        f"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. "
        f"The range of valid IPs is {SERVICES}, from {first} to {last}"
    )
    return [causes.invalid("spec.clusterIPs", listed, rule)]


def _uncanonical(asked: str, canonical: str) -> list[Cause]:
    return [causes.invalid("spec.clusterIPs[0]", asked, f'must be in canonical form ("{canonical}")')]


def _families(spec: JSON) -> list[Cause]:
    found: list[Cause] = []
    for index, family in enumerate(spec.get("ipFamilies") or []):
        field = f"spec.ipFamilies[{index}]"
        if family not in ("IPv4", "IPv6"):
            found.append(causes.unsupported(field, family, ("IPv4", "IPv6")))
        elif family == "IPv6":
            found.append(causes.invalid(field, family, "not configured on this cluster"))
        elif index:
            found.append(causes.duplicate(field, family))
    policy = spec.get("ipFamilyPolicy")
    if policy == "RequireDualStack":
        rule = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", policy, rule))
    elif policy not in (None, "SingleStack", "PreferDualStack"):
        allowed = "SingleStack", "PreferDualStack", "RequireDualStack"
        found.append(causes.unsupported("spec.ipFamilyPolicy", policy, allowed))
    return found


def _policies(spec: JSON) -> list[Cause]:
    found = []
    for name, allowed in (
        ("internalTrafficPolicy", ("Cluster", "Local")),
        ("externalTrafficPolicy", ("Cluster", "Local")),
        ("trafficDistribution", ("PreferClose",)),
    ):
        if spec.get(name) and spec[name] not in allowed:
            found.append(causes.unsupported(f"spec.{name}", spec[name], allowed))
    if spec.get("externalTrafficPolicy") and spec["type"] != LOAD_BALANCER:
        rule = "may only be set for externally-accessible services"
        found.append(causes.invalid("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], rule))
    return found


def _balanced(spec: JSON) -> list[Cause]:
    if spec["type"] != LOAD_BALANCER:
        unwanted = [name for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass") if name in spec]
        return [causes.forbidden(f"spec.{name}", _ONLY_BALANCED) for name in unwanted]
    found = []
    if spec.get("allocateLoadBalancerNodePorts"):
        rule = "there are no nodes with ports to allocate; give false or leave it out"
        found.append(causes.forbidden("spec.allocateLoadBalancerNodePorts", rule))
    if said := spec.get("loadBalancerClass"):
        found += [causes.invalid("spec.loadBalancerClass", said, text) for text in names.qualified_name(said)]
    return found


def _refused(spec: JSON) -> list[Cause]:
    """What would have to be enforced or reached and is not."""
    sentences = {
        "externalIPs": "addresses of others are not routed; use type LoadBalancer",
        "loadBalancerIP": _ELB,
        "loadBalancerSourceRanges": "is not supported yet: nothing would be kept out",
        "healthCheckNodePort": NO_NODE_PORTS,
    }
    return [causes.forbidden(f"spec.{name}", said) for name, said in sentences.items() if spec.get(name)]


def _changes(spec: JSON, old: JSON) -> list[Cause]:
    found = []
    stays = spec["type"] != EXTERNAL_NAME and old["type"] != EXTERNAL_NAME
    if stays and spec.get("clusterIP") != old.get("clusterIP"):
        found.append(causes.invalid("spec.clusterIPs[0]", spec.get("clusterIPs"), _ONCE))
    both = spec["type"] == LOAD_BALANCER == old["type"]
    if both and spec.get("loadBalancerClass") != old.get("loadBalancerClass"):
        found.append(causes.invalid("spec.loadBalancerClass", spec.get("loadBalancerClass"), _ONCE))
    return found
