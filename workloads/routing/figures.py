"""What an ELB's listeners are asked: from what Envoy counts, at two moments, to figures. Pure.

Envoy counts by the prefix that `outside` gives each listener, `elb/<uid>/<port>`; rates are what came between the two
moments, latencies Envoy's own quantiles since it started.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]

_NAME = re.compile(r"(http|tcp|udp)\.elb/[0-9a-f-]+/(\d+)(?:/udp)?\.(\w+)")
_ASKED = {"http": "downstream_rq_total", "tcp": "downstream_cx_total", "udp": "downstream_sess_total"}
_OPEN = {"http": "downstream_cx_active", "udp": "downstream_sess_active"}
_RECEIVED = {"udp": "downstream_sess_rx_bytes"}
_SENT = {"udp": "downstream_sess_tx_bytes"}
_TIME = "downstream_rq_time"
_HALF, _MOST = 50, 99

Listener = tuple[str, int]
"""(http | tcp | udp, port)."""


@dataclass(frozen=True)
class Sample:
    """`at` in seconds of any steady clock; `latencies` are (p50, p99) in milliseconds."""

    at: float
    counters: Mapping[Listener, Mapping[str, int]] = field(default_factory=dict)
    latencies: Mapping[Listener, tuple[float, float]] = field(default_factory=dict)


def pattern(uid: str) -> str:
    """Of the names that Envoy is asked for."""
    return rf"^(http|tcp|udp)\.elb/{re.escape(uid)}/\d+(/udp)?\.downstream_"


def sample(stats: Iterable[JSON], *, at: float) -> Sample:
    """From the list in the answer of `/stats?format=json`."""
    counters: dict[Listener, dict[str, int]] = {}
    latencies: dict[Listener, tuple[float, float]] = {}
    for one in stats:
        if "histograms" in one:
            latencies |= _latencies(one["histograms"])
        elif found := _NAME.fullmatch(one["name"]):
            counters.setdefault((found[1], int(found[2])), {})[found[3]] = int(one["value"])
    return Sample(at, counters, latencies)


def between(old: Sample, new: Sample) -> list[JSON]:
    """By port. Counters that went down were begun anew with Envoy."""
    seconds = max(new.at - old.at, 0.001)
    return [
        _figures(listener, old, new, seconds) for listener in sorted(new.counters, key=lambda one: (one[1], one[0]))
    ]


def _figures(listener: Listener, old: Sample, new: Sample, seconds: float) -> JSON:
    layer, port = listener
    now, before = new.counters[listener], old.counters.get(listener, {})

    def came(name: str) -> int:
        value = now.get(name, 0)
        return value - before.get(name, 0) if value >= before.get(name, 0) else value

    asked, failed = came(_ASKED[layer]), came("downstream_rq_5xx")
    half, most = new.latencies.get(listener, (None, None))
    return {
        "port": port,
        "layer": layer,
        "seconds": round(seconds, 1),
        "perSecond": round(asked / seconds, 2),
        "failedShare": (round(failed / asked, 4) if asked else 0.0) if layer == "http" else None,
        "p50": half,
        "p99": most,
        "receivedPerSecond": round(came(_RECEIVED.get(layer, "downstream_cx_rx_bytes_total")) / seconds),
        "sentPerSecond": round(came(_SENT.get(layer, "downstream_cx_tx_bytes_total")) / seconds),
        "open": now.get(_OPEN[layer], 0) if layer in _OPEN else None,
        "total": now.get(_ASKED[layer], 0),
        "failed": now.get("downstream_rq_5xx", 0) if layer == "http" else None,
    }


def _latencies(histograms: JSON) -> dict[Listener, tuple[float, float]]:
    quantiles = list(histograms.get("supported_quantiles") or ())
    if _HALF not in quantiles or _MOST not in quantiles:
        return {}
    found: dict[Listener, tuple[float, float]] = {}
    for one in histograms.get("computed_quantiles") or ():
        named = _NAME.fullmatch(one["name"])
        if named is None or named[3] != _TIME:
            continue
        half, most = (one["values"][quantiles.index(wanted)]["cumulative"] for wanted in (_HALF, _MOST))
        if half is not None and most is not None:
            found[named[1], int(named[2])] = (half, most)
    return found
