"""What the proxy tier is asked (`workloads.elb.doors`): whether Envoy has what was written, and how it is."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
from django.conf import settings

JSON = dict[str, Any]

SOCKET = "traffic.sock"
_PATIENCE = 2.0


class Away(Exception):
    """The proxy tier does not answer: it is starting, or was killed. Envoy goes on with what it has."""


def is_here() -> bool:
    """Whether this installation has one."""
    return bool((settings.RUN_DIR / SOCKET).exists())


def has(revision: int, *, seconds: float) -> bool:
    """Whether every Envoy has all that was written up to `revision`; waits so long for it. Raises Away."""
    return bool(_ask("/reached", revision=revision, seconds=seconds)["reached"] >= revision)


def state() -> JSON:
    """As `workloads.elb.doors` tells it. Raises Away."""
    return _ask("/state")


def figures(elb: str) -> list[JSON]:
    """What the listeners of the ELB with this uid are asked now; takes a second at the first time. Raises Away."""
    if not is_here():
        raise Away("it does not run")
    return list(_ask("/figures", elb=elb)["listeners"])


def _ask(path: str, **asked: float | str) -> JSON:
    transport = httpx.HTTPTransport(uds=str(settings.RUN_DIR / SOCKET), verify=False)
    try:
        with httpx.Client(transport=transport, timeout=_PATIENCE) as door:
            return dict(orjson.loads(door.get(f"http://traffic{path}", params=asked).raise_for_status().content))
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise Away(str(error)) from error
