"""Whether anybody asks: what Envoy counts of clusters, at two moments.

What is under way counts, however long it lasts: requests, WebSockets, connections of layer 4, and what waits for a
connection. Envoy's counters begin anew with Envoy; then so does the time without requests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

JSON = dict[str, Any]

_REQUESTS = ("upstream_rq_total", "upstream_rq_pending_total")
_CONNECTIONS = ("upstream_cx_total", "udp.sess_tx_datagrams")
_ACTIVE = ("upstream_rq_active", "upstream_rq_pending_active")
_OPEN = ("upstream_cx_active",)
_LISTENING = "downstream_rq_active"
_ASKED = "|".join(map(re.escape, (*_REQUESTS, *_CONNECTIONS, *_ACTIVE, *_OPEN)))
_PATTERN = rf"^(cluster\..+\.({_ASKED})|http\.elb/.+\.{_LISTENING})$"


class Away(Exception):
    """Envoy does not answer."""


@dataclass(frozen=True)
class Counts:
    """Of one Service: what came so far, and how much is under way."""

    came: int
    under_way: int


@dataclass(frozen=True)
class Sample:
    """`figures` by Envoy's own names."""

    figures: Mapping[str, int] = field(default_factory=dict)

    def of(self, *, own: Collection[str], routed: Collection[str]) -> Counts:
        """Clusters of layer 4, where connections count, and of layer 7, where requests do: connections are kept open
        there for a while without any."""
        came = self._sum(own, _CONNECTIONS) + self._sum(routed, _REQUESTS)
        return Counts(came, self._sum(own, _OPEN) + self._sum(routed, _ACTIVE))

    def healthy(self, clusters: Collection[str]) -> bool:
        return all(self.figures.get(f"cluster.{name}.membership_healthy", 0) for name in clusters)

    def being_read(self, listeners: Collection[str]) -> int:
        """Requests under way on these listeners, whomever they are for."""
        return sum(self.figures.get(f"http.{name}.{_LISTENING}", 0) for name in listeners)

    def _sum(self, clusters: Collection[str], names: Collection[str]) -> int:
        return sum(self.figures.get(f"cluster.{cluster}.{name}", 0) for cluster in clusters for name in names)


async def sample(admin: Path) -> Sample:
    """`admin` is Envoy's Unix socket. Raises Away."""
    return await _asked(admin, _PATTERN)


async def health(admin: Path) -> Sample:
    """Of clusters whose pods Envoy asks how they are. Raises Away."""
    return await _asked(admin, r"^cluster\..+\.membership_healthy$")


async def _asked(admin: Path, pattern: str) -> Sample:
    try:
        transport = httpx.AsyncHTTPTransport(uds=str(admin), verify=False)
        async with httpx.AsyncClient(transport=transport, timeout=2.0) as envoy:
            asked = {"format": "json", "filter": pattern}
            answer = (await envoy.get("http://envoy/stats", params=asked)).raise_for_status()
        stats = orjson.loads(answer.content)["stats"]
        return Sample({one["name"]: int(one["value"]) for one in stats if "name" in one})
    except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
        raise Away(str(error) or type(error).__name__) from error
