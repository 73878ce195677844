"""Probes and lifecycle hooks of a container: defaults as Kubernetes sets them, and what is wrong with them. Pure.

Both say what to do in a word (a command, an HTTP request, a connection, a sleep); a probe says besides how often and
how many times.
"""

from __future__ import annotations

import re
from typing import Any

from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

STARTUP, LIVENESS, READINESS = "startup", "liveness", "readiness"
PROBES = {STARTUP: "startupProbe", LIVENESS: "livenessProbe", READINESS: "readinessProbe"}
"""The field of each probe in a container."""
HOOKS = ("postStart", "preStop")

_NUMBERS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_SCHEMES = ("HTTP", "HTTPS")
_PROBE_WAYS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_WAYS = ("exec", "httpGet", "tcpSocket", "sleep")
_HEADER = re.compile(r"[-A-Za-z0-9]+")
_HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
)
_NOT_NEGATIVE = "must be greater than or equal to 0"
_HOST = "no other host is asked from here, the pod's own address is; remove it"


def default(container: JSON) -> None:
    """Fills the defaults of one container's probes and hooks in place."""
    for field in PROBES.values():
        probe = container.get(field)
        if probe is None:
            continue
        for name, value in _NUMBERS.items():
            probe[name] = probe.get(name) or value
        _default_http(probe)
        if probe.get("grpc") is not None:
            probe["grpc"].setdefault("service", "")
    for hook in HOOKS:
        _default_http((container.get("lifecycle") or {}).get(hook) or {})


def validate(container: JSON, field: str, *, grace_seconds: int) -> list[Cause]:
    """All that is wrong with the probes and hooks of the container standing at `field`."""
    found = []
    for which, name in PROBES.items():
        if container.get(name) is not None:
            found += _probe(container[name], f"{field}.{name}", which)
    lifecycle = container.get("lifecycle") or {}
    for hook in HOOKS:
        if lifecycle.get(hook) is not None:
            found += _hook(lifecycle[hook], f"{field}.lifecycle.{hook}", grace_seconds)
    if lifecycle.get("stopSignal"):
        rule = "is not supported yet: set the stop signal in the image"
        found.append(causes.forbidden(f"{field}.lifecycle.stopSignal", rule))
    return found


def port(action: JSON, container: JSON) -> int | None:
    """The number of the port that a handler means; None for a name that no port of the container has."""
    wanted = action["port"]
    if not isinstance(wanted, str):
        return int(wanted)
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or []}
    return named.get(wanted)


def address(request: JSON, *, ip: str, port: int) -> str:
    """The URL an `httpGet` means."""
    path = request.get("path") or "/"
    slash = "" if path.startswith("/") else "/"
    return f"{request.get('scheme', 'HTTP').lower()}://{ip}:{port}{slash}{path}"


def headers(request: JSON, *, agent: str) -> list[tuple[str, str]]:
    """Of an `httpGet`: the product's own unless the pod gives others."""
    given = [(header["name"], header.get("value", "")) for header in request.get("httpHeaders") or []]
    named = {name.lower() for name, _ in given}
    return [*(own for own in (("User-Agent", agent), ("Accept", "*/*")) if own[0].lower() not in named), *given]


def _default_http(handler: JSON) -> None:
    request = handler.get("httpGet")
    if request is not None:
        request["path"] = request.get("path") or "/"
        request["scheme"] = request.get("scheme") or "HTTP"


def _probe(probe: JSON, field: str, which: str) -> list[Cause]:
    found = _handler(probe, field, _PROBE_WAYS)
    for name in ("initialDelaySeconds", *_NUMBERS):
        if probe.get(name, 0) < 0:
            found.append(causes.invalid(f"{field}.{name}", probe[name], _NOT_NEGATIVE))
    if which != READINESS and probe.get("successThreshold", 1) != 1:
        found.append(causes.invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1"))
    return found + _probe_grace(probe, field, which)


def _probe_grace(probe: JSON, field: str, which: str) -> list[Cause]:
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is None:
        return []
    where = f"{field}.terminationGracePeriodSeconds"
    if which == READINESS:
        return [causes.invalid(where, seconds, "must not be set for readinessProbes")]
    return [] if seconds > 0 else [causes.invalid(where, seconds, "must be greater than 0")]


def _hook(hook: JSON, field: str, grace_seconds: int) -> list[Cause]:
    found = _handler(hook, field, _HOOK_WAYS)
    if hook.get("tcpSocket") is not None:
        rule = "a hook cannot only connect; give exec, httpGet or sleep"
        found.append(causes.forbidden(f"{field}.tcpSocket", rule))
    if hook.get("sleep") is not None:
        seconds = hook["sleep"].get("seconds", 0)
        if not 0 <= seconds <= grace_seconds:
            rule = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
            found.append(causes.invalid(f"{field}.sleep", seconds, rule))
    return found


def _handler(handler: JSON, field: str, ways: tuple[str, ...]) -> list[Cause]:
    given = [way for way in ways if handler.get(way) is not None]
    if not given:
        return [causes.required(field, "must specify a handler type")]
    found = [causes.forbidden(f"{field}.{way}", "may not specify more than 1 handler type") for way in given[1:]]
    way, action = given[0], handler[given[0]]
    if way == "exec" and not action.get("command"):
        found.append(causes.required(f"{field}.exec.command"))
    if way == "httpGet":
        found += _http(action, f"{field}.httpGet")
    if way == "tcpSocket":
        found += _port(action, f"{field}.tcpSocket") + _host(action, f"{field}.tcpSocket")
    if way == "grpc":
        found += _port(action, f"{field}.grpc")
    return found


def _http(request: JSON, field: str) -> list[Cause]:
    found = _port(request, field) + _host(request, field)
    if request.get("scheme") not in _SCHEMES:
        found.append(causes.unsupported(f"{field}.scheme", request.get("scheme"), _SCHEMES))
    for index, header in enumerate(request.get("httpHeaders") or []):
        name = header.get("name", "")
        if not _HEADER.fullmatch(name):
            found.append(causes.invalid(f"{field}.httpHeaders[{index}].name", name, _HEADER_RULE))
    return found


def _host(action: JSON, field: str) -> list[Cause]:
    return [causes.forbidden(f"{field}.host", _HOST)] if action.get("host") else []


def _port(action: JSON, field: str) -> list[Cause]:
    port = action.get("port")
    if isinstance(port, str):
        return [causes.invalid(f"{field}.port", port, text) for text in names.port_name(port)]
    return [causes.invalid(f"{field}.port", port or 0, text) for text in names.port_number(port or 0)]
