"""What annotations of Services and Ingresses ask of an ELB: which one, which port, and how requests are treated. Pure.

The first four are the cloud's own; those under `elb.cci.io/` are ours. `problems` is what admission refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workloads.kinds import ips
from workloads.meta import causes, names, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

ELB_ID, ELB_IP = "kubernetes.io/elb.id", "kubernetes.io/elb.ip"
ELB_NAME = "elb.cci.io/name"
"""Ours: what a manifest can say before the ELB is there."""
ELB_PORT, ELB_CLASS = "kubernetes.io/elb.port", "kubernetes.io/elb.class"
REDIRECT = "elb.cci.io/ssl-redirect"
TIMEOUT = "elb.cci.io/timeout-seconds"
BODY = "elb.cci.io/body-size"
RATE = "elb.cci.io/requests-per-second"
PROTOCOL = "elb.cci.io/backend-protocol"
HEALTH = "elb.cci.io/health-check-path"
PROTOCOLS = ("http", "http2", "grpc")
LONGEST_TIMEOUT = 24 * 3600
MOST_BODY = 10 * 1024**3
MOST_RATE = 1_000_000


@dataclass(frozen=True)
class Treatment:
    """How requests of one Ingress are treated; 0 and "" are the proxy's own ways."""

    redirect: bool = True
    """What has a certificate is not served without it: port 80 answers with its https address."""
    timeout_seconds: float = 0
    body_bytes: int = 0
    requests_per_second: int = 0
    protocol: str = "http"
    health_path: str = ""


def of(obj: JSON) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def treatment(obj: JSON) -> Treatment:
    """Of an object that was admitted; what cannot be read (it was written before there was a rule) counts as absent."""
    said = of(obj)
    good = {name: value for name, value in said.items() if name in _RULES and not _RULES[name](value)}
    return Treatment(
        redirect=good.get(REDIRECT, "true") == "true",
        timeout_seconds=float(good.get(TIMEOUT, 0)),
        body_bytes=quantity.whole(good[BODY]) if BODY in good else 0,
        requests_per_second=int(good.get(RATE, 0)),
        protocol=good.get(PROTOCOL, "http"),
        health_path=good.get(HEALTH, ""),
    )


def port(obj: JSON) -> int | None:
    """The ELB's port that is asked for."""
    said = of(obj).get(ELB_PORT, "")
    return int(said) if said and not _port(said) else None


def problems(obj: JSON) -> list[Cause]:
    """All that is wrong with the annotations of a Service or an Ingress."""
    found = []
    for name, said in sorted(of(obj).items()):
        if name in _RULES and (text := _RULES[name](said)):
            found.append(causes.invalid(f"metadata.annotations[{name}]", said, text))
    return found


def _port(said: str) -> str:
    rule = "must be between 1 and 65535, inclusive"
    return "" if re.fullmatch("[0-9]{1,5}", said, re.ASCII) and not names.port_number(int(said)) else rule


def _name(said: str) -> str:
    return "; ".join(names.dns_label(said))


def _class(said: str) -> str:
    return "" if said == "elb" else 'supported values: "elb"'


def _boolean(said: str) -> str:
    return "" if said in ("true", "false") else 'must be "true" or "false"'


def _timeout(said: str) -> str:
    rule = f"must be a number of seconds from 0.001 to {LONGEST_TIMEOUT}"
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", said, re.ASCII):
        return rule
    return "" if 0 < float(said) <= LONGEST_TIMEOUT else rule


def _body(said: str) -> str:
    rule = "must be a size from 1 to 10Gi, such as 10Mi"
    return rule if quantity.problem(said) or not 1 <= quantity.parse(said) <= MOST_BODY else ""


def _rate(said: str) -> str:
    rule = f"must be a whole number from 1 to {MOST_RATE}"
    return "" if re.fullmatch("[0-9]{1,7}", said, re.ASCII) and 1 <= int(said) <= MOST_RATE else rule


def _protocol(said: str) -> str:
    return "" if said in PROTOCOLS else f"supported values: {', '.join(PROTOCOLS)}"


def _path(said: str) -> str:
    return "" if re.fullmatch(r"/[!-~]{0,255}", said, re.ASCII) else "must be a path such as /healthz"


_RULES = {
    ELB_IP: ips.problem,
    ELB_NAME: _name,
    ELB_PORT: _port,
    ELB_CLASS: _class,
    REDIRECT: _boolean,
    TIMEOUT: _timeout,
    BODY: _body,
    RATE: _rate,
    PROTOCOL: _protocol,
    HEALTH: _path,
}
