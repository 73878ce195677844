"""The containers of a pod: defaults as Kubernetes sets them, and what is wrong with them. Pure.

Sizes are not judged here (that is `podspecs`, by the operator's grid): only that quantities are quantities, that they
are not negative, that a request is not above its limit, and that cards are counted in whole ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workloads.kinds import ephemeral, handlers, images, references, refusals, security
from workloads.kinds.grids import is_gpu
from workloads.meta import causes, names, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

TERMINATION_LOG = "/dev/termination-log"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROTOCOLS = ("SCTP", "TCP", "UDP")
RESOURCES = ("cpu", "memory")
AMOUNTS = (*RESOURCES, ephemeral.RESOURCE)


def default(container: JSON) -> None:
    """Fills one container's defaults in place."""
    for name, value in (("terminationMessagePath", TERMINATION_LOG), ("terminationMessagePolicy", "File")):
        container[name] = container.get(name) or value
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = images.pull_policy(container.get("image", ""))
    for port in container.get("ports") or []:
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None and not reference.get("apiVersion"):
            reference["apiVersion"] = "v1"
    _default_resources(container.setdefault("resources", {}))
    handlers.default(container)


def validate(containers: list[JSON], field: str) -> list[Cause]:
    """All that is wrong with the containers standing at `field`."""
    if not containers:
        return [causes.required(field, "a pod needs at least one container")]
    found = []
    for index, container in enumerate(containers):
        found += _container(container, f"{field}[{index}]")
    listed = [container.get("name", "") for container in containers]
    found += [causes.duplicate(f"{field}[{index}].name", listed[index]) for index in _repeated(listed)]
    return found


def amount_problem(value: Any, *, whole: bool = False) -> str:
    """What is wrong with `value` as an amount of a resource, as a sentence; "" when nothing is."""
    problem = quantity.problem(value)
    if problem:
        return problem
    if quantity.parse(value) < 0:
        return "must be greater than or equal to 0"
    return "must be an integer" if whole and quantity.parse(value) % 1 else ""


def resources_of(resources: JSON) -> list[str]:
    """The resources that limits and requests fill each other for: CPU, memory, and the cards that are named."""
    named = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return [*RESOURCES, *(name for name in named if is_gpu(name))]


def _default_resources(resources: JSON) -> None:
    """Quantities are kept canonically (`0.5` is `500m`); what is not a quantity stays for `validate`."""
    for part in ("limits", "requests"):
        for name, value in (resources.get(part) or {}).items():
            if not quantity.problem(value):
                resources[part][name] = quantity.canonical(value)


def _container(container: JSON, field: str) -> list[Cause]:
    found = _name(container, field) + _image(container, field)
    found += _environment(container.get("env") or [], f"{field}.env")
    found += references.env_from(container.get("envFrom") or [], f"{field}.envFrom")
    found += _ports(container.get("ports") or [], f"{field}.ports")
    found += _resources(container.get("resources") or {}, f"{field}.resources")
    policy = container.get("terminationMessagePolicy")
    if policy not in MESSAGE_POLICIES:
        found.append(causes.unsupported(f"{field}.terminationMessagePolicy", policy, MESSAGE_POLICIES))
    found += refusals.refused_fields(container, refusals.CONTAINER_FIELDS, field)
    return found + security.validate(container.get("securityContext") or {}, f"{field}.securityContext")


def _name(container: JSON, field: str) -> list[Cause]:
    name = container.get("name", "")
    if not name:
        return [causes.required(f"{field}.name")]
    return [causes.invalid(f"{field}.name", name, text) for text in names.dns_label(name)]


def _image(container: JSON, field: str) -> list[Cause]:
    image, policy = container.get("image", ""), container.get("imagePullPolicy", "")
    if not image:
        return [causes.required(f"{field}.image", "give the image the container is made from, such as nginx:1.27")]
    found = []
    if problem := images.problem(image):
        found.append(causes.invalid(f"{field}.image", image, problem))
    if policy and policy not in PULL_POLICIES:
        found.append(causes.unsupported(f"{field}.imagePullPolicy", policy, PULL_POLICIES))
    return found


def _environment(variables: list[JSON], field: str) -> list[Cause]:
    found = []
    for index, variable in enumerate(variables):
        where, name = f"{field}[{index}]", variable.get("name", "")
        if name:
            found += [causes.invalid(f"{where}.name", name, text) for text in names.environment_name(name)]
        else:
            found.append(causes.required(f"{where}.name"))
        if "valueFrom" in variable:
            found += references.value_from(variable, f"{where}.valueFrom")
    return found


def _ports(ports: list[JSON], field: str) -> list[Cause]:
    found = []
    for index, port in enumerate(ports):
        found += _port(port, f"{field}[{index}]")
    listed = [port.get("name", "") for port in ports]
    found += [causes.duplicate(f"{field}[{index}].name", listed[index]) for index in _repeated(listed)]
    return found


def _port(port: JSON, field: str) -> list[Cause]:
    found, number = [], port.get("containerPort", 0)
    if not number:
        found.append(causes.required(f"{field}.containerPort"))
    else:
        found += [causes.invalid(f"{field}.containerPort", number, text) for text in names.port_number(number)]
    if port.get("name"):
        found += [causes.invalid(f"{field}.name", port["name"], text) for text in names.port_name(port["name"])]
    if port.get("protocol") not in PROTOCOLS:
        found.append(causes.unsupported(f"{field}.protocol", port.get("protocol"), PROTOCOLS))
    found += [
        causes.forbidden(f"{field}.{name}", refusals.HOST_PORT) for name in ("hostPort", "hostIP") if port.get(name)
    ]
    return found


def _resources(resources: JSON, field: str) -> list[Cause]:
    found = []
    for part in ("limits", "requests"):
        for name, value in (resources.get(part) or {}).items():
            where = f"{field}.{part}[{name}]" if "/" in name else f"{field}.{part}.{name}"
            found += _amount(name, value, where)
    if resources.get("claims"):
        found.append(causes.forbidden(f"{field}.claims", refusals.CLAIMS))
    return found or _requests_within_limits(resources, field)


def _amount(name: str, value: Any, field: str) -> list[Cause]:
    if name not in AMOUNTS and not is_gpu(name):
        return [causes.forbidden(field, refusals.EXTENDED_RESOURCE)]
    problem = amount_problem(value, whole=is_gpu(name))
    return [causes.invalid(field, value, problem)] if problem else []


def _requests_within_limits(resources: JSON, field: str) -> list[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    found = [
        causes.invalid(
            f"{field}.requests.{name}", requests[name], f"must be less than or equal to {name} limit of {limits[name]}"
        )
        for name in AMOUNTS
        if name in limits and name in requests and quantity.parse(requests[name]) > quantity.parse(limits[name])
    ]
    for name in set(limits) & set(requests) - set(AMOUNTS):
        if quantity.parse(limits[name]) != quantity.parse(requests[name]):
            rule = f"must be equal to {name} limit of {limits[name]}"
            found.append(causes.invalid(f"{field}.requests[{name}]", requests[name], rule))
    return found


def _repeated(listed: list[str]) -> Iterable[int]:
    """Where a name stands that stood before."""
    seen: set[str] = set()
    for index, name in enumerate(listed):
        if name and name in seen:
            yield index
        seen.add(name)
