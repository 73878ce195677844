"""Ingress (networking.k8s.io/v1): which requests from outside go to which Service. `ingressversions` has the old form.

The rules and words are Kubernetes'; the annotations that choose an ELB are checked here as well.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import elbannotations, ingressclasses, ingressversions, ips, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_WRONG_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_WRONG_ENDS = ("/..", "/.")
_SHOWN_HOSTS = 3


def default(obj: JSON) -> None:
    obj.setdefault("spec", {})


def prepare(obj: JSON, old: JSON | None) -> None:
    """A new one that names no class has the default one, as Kubernetes' admission gives it."""
    if old is not None:
        return
    obj["status"] = {"loadBalancer": {}}
    if CLASS_ANNOTATION not in _annotations(obj):
        obj["spec"].setdefault("ingressClassName", ingressclasses.CCE)


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = objectmeta.validate(obj) + _class(obj) + elbannotations.problems(obj)
    if not spec.get("rules") and not spec.get("defaultBackend"):
        rule = "either `defaultBackend` or `rules` must be specified"
        found.append(causes.invalid("spec", spec.get("rules") or [], rule))
    if backend := spec.get("defaultBackend"):
        found += _backend(backend, "spec.defaultBackend")
    for index, tls in enumerate(spec.get("tls") or []):
        found += _tls(tls, f"spec.tls[{index}]")
    for index, rule in enumerate(spec.get("rules") or []):
        found += _rule(rule, f"spec.rules[{index}]")
    return found


def class_of(obj: JSON) -> str:
    """The class it names, in the field or in the old annotation."""
    return str(obj["spec"].get("ingressClassName") or _annotations(obj).get(CLASS_ANNOTATION, ""))


def _class(obj: JSON) -> list[Cause]:
    name, noted = obj["spec"].get("ingressClassName"), _annotations(obj).get(CLASS_ANNOTATION)
    found = [causes.invalid("spec.ingressClassName", name, text) for text in names.dns_subdomain(name)] if name else []
    if name and noted and name != noted:
        rule = "must match `ingressClassName` when both are specified"
        found.append(causes.invalid(f"metadata.annotations[{CLASS_ANNOTATION}]", noted, rule))
    return found


def _tls(tls: JSON, field: str) -> list[Cause]:
    found: list[Cause] = []
    for index, host in enumerate(tls.get("hosts") or []):
        found += [causes.invalid(f"{field}.hosts[{index}]", host, text) for text in _host_problems(host)]
    if secret := tls.get("secretName"):
        found += [causes.invalid(f"{field}.secretName", secret, text) for text in names.dns_subdomain(secret)]
    return found


def _rule(rule: JSON, field: str) -> list[Cause]:
    host = rule.get("host", "")
    found: list[Cause] = []
    if host and ips.parsed(host):
        found.append(causes.invalid(f"{field}.host", host, "must be a DNS name, not an IP address"))
    elif host:
        found += [causes.invalid(f"{field}.host", host, text) for text in _host_problems(host)]
    if "http" not in rule:
        return found
    paths = rule["http"].get("paths") or []
    if not paths:
        found.append(causes.required(f"{field}.http.paths"))
    for index, path in enumerate(paths):
        found += _path(path, f"{field}.http.paths[{index}]")
    return found


def _host_problems(host: str) -> list[str]:
    return names.wildcard_subdomain(host) if "*" in host else names.dns_subdomain(host)


def _path(path: JSON, field: str) -> list[Cause]:
    type, text = path.get("pathType"), path.get("path", "")
    found: list[Cause] = []
    if not type:
        found.append(causes.required(f"{field}.pathType", "pathType must be specified"))
    elif type not in PATH_TYPES:
        found.append(causes.unsupported(f"{field}.pathType", type, PATH_TYPES))
    elif (text or type != "ImplementationSpecific") and not text.startswith("/"):
        found.append(causes.invalid(f"{field}.path", text, "must be an absolute path"))
    elif type != "ImplementationSpecific":
        wrong = [part for part in _WRONG_IN_PATHS if part in text]
        found += [causes.invalid(f"{field}.path", text, f"must not contain '{part}'") for part in wrong]
        wrong = [end for end in _WRONG_ENDS if text.endswith(end)]
        found += [causes.invalid(f"{field}.path", text, f"cannot end with '{end}'") for end in wrong]
    return found + _backend(path.get("backend") or {}, f"{field}.backend")


def _backend(backend: JSON, field: str) -> list[Cause]:
    if backend.get("resource"):
        return [causes.forbidden(f"{field}.resource", "is not offered: name a Service")]
    service = backend.get("service")
    if not service:
        return [causes.invalid(field, "", "resource or service backend is required")]
    name, port = service.get("name", ""), service.get("port") or {}
    problems = names.dns_1035_label(name) if name else []
    found = [causes.invalid(f"{field}.service.name", name, text) for text in problems]
    if not name:
        found.append(causes.required(f"{field}.service.name"))
    if port.get("name") and port.get("number"):
        found.append(causes.invalid(field, "", "cannot set both port name & port number"))
    elif port.get("name"):
        problems = names.port_name(port["name"])
        found += [causes.invalid(f"{field}.service.port.name", port["name"], text) for text in problems]
    elif port.get("number"):
        problems = names.port_number(port["number"])
        found += [causes.invalid(f"{field}.service.port.number", port["number"], text) for text in problems]
    else:
        found.append(causes.required(field, "port name or number is required"))
    return found


def _annotations(obj: JSON) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def _hosts(obj: JSON) -> str:
    found = [rule["host"] for rule in obj["spec"].get("rules") or () if rule.get("host")]
    more = len(found) - _SHOWN_HOSTS
    text = ",".join(found[:_SHOWN_HOSTS]) or "*"
    return f"{text} + {more} more..." if more > 0 else text


def _address(obj: JSON) -> str:
    told = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(sorted({one.get("ip") or one.get("hostname") or "" for one in told}))


KIND = register(
    Kind(
        name="Ingress",
        plural="ingresses",
        group="networking.k8s.io",
        version="v1",
        schema="io.k8s.api.networking.v1.Ingress",
        singular="ingress",
        short_names=("ing",),
        subresources=("status",),
        also_served_as=((ingressversions.OLD_GROUP, ingressversions.OLD_VERSION),),
        conversions={ingressversions.OLD: ingressversions.V1BETA1},
        columns=(
            NAME,
            Column("Class", lambda obj, now: obj["spec"].get("ingressClassName") or NONE, description="Its class."),
            Column("Hosts", lambda obj, now: _hosts(obj), description="Hosts that requests are matched against."),
            Column("Address", lambda obj, now: _address(obj), description="Where it is reached."),
            Column("Ports", lambda obj, now: "80, 443" if obj["spec"].get("tls") else "80"),
            AGE,
        ),
        default=default,
        validate=validate,
        prepare=prepare,
    )
)
