"""`/metrics`: how the API has served, as Prometheus reads it, under upstream's names where it means the same.

Counts are sums over the processes that answer on this port (`siblings`): a scraper cannot choose which it reaches. When
one of them is started again, its part begins at nothing. No account is named. Whoever runs the service may read them:
the bearer token is in `secrets/metrics-token` of the data directory.
"""

from __future__ import annotations

import hmac
import os
import resource
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from workloads.controllers import queue
from workloads.kubeapi import siblings
from workloads.kubeapi.exchange import Reply, Request
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import MethodNotAllowed, Refused, Unauthorized
from workloads.store import changes
from workloads.watch.cache import CACHE

BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0)
_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BEGUN = time.time()

What = tuple[str, str, str, str]
"""Verb, group, resource, subresource."""


@dataclass
class _Served:
    """How long answers took: how many fell into each bucket, the last one without a bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def join(self, counts: Iterable[int], seconds: float) -> None:
        self.counts = [own + other for own, other in zip(self.counts, counts, strict=True)]
        self.seconds += seconds


@dataclass
class _Totals:
    """Of one process, or of several."""

    requests: Counter[tuple[What, int]] = field(default_factory=Counter)
    served: dict[What, _Served] = field(default_factory=dict)
    open: Counter[What] = field(default_factory=Counter)
    """Watches and logs that go on."""
    processes: int = 0
    cache: int = 0
    processor: float = 0.0
    resident: int = 0
    begun: float = 0.0
    """When the youngest began."""

    def add(self, word: dict[str, Any]) -> None:
        """What a process has `told`."""
        for *what, code, number in word["requests"]:
            self.requests[_what(what), code] += number
        for *what, counts, seconds in word["served"]:
            self.served.setdefault(_what(what), _Served()).join(counts, seconds)
        for *what, number in word["open"]:
            self.open[_what(what)] += number
        self.processes += 1
        self.cache += word["cache"]
        self.processor += word["processor"]
        self.resident += word["resident"]
        self.begun = max(self.begun, word["begun"])


_own = _Totals()


def count(what: What, code: int, seconds: float) -> None:
    """An answer that is whole."""
    _own.requests[what, code] += 1
    served = _own.served.get(what)
    if served is None:
        served = _own.served[what] = _Served()
    served.add(seconds)


def opened(what: What) -> None:
    _own.requests[what, 200] += 1
    _own.open[what] += 1


def closed(what: What) -> None:
    _own.open[what] -= 1


def told() -> bytes:
    """What this process says of itself, for those that answer beside it."""
    used, pages = resource.getrusage(resource.RUSAGE_SELF), int(Path("/proc/self/statm").read_text().split()[1])
    return orjson.dumps(
        {
            "requests": [(*what, code, number) for (what, code), number in _own.requests.items()],
            "served": [(*what, served.counts, served.seconds) for what, served in _own.served.items()],
            "open": [(*what, number) for what, number in _own.open.items()],
            "cache": CACHE.size,
            "processor": used.ru_utime + used.ru_stime,
            "resident": pages * os.sysconf("SC_PAGE_SIZE"),
            "begun": _BEGUN,
        }
    )


async def answer(request: Request) -> Reply:
    """Raises Unauthorized, Refused."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    _check_token(request)
    head, depths = await in_thread(lambda: (changes.head(), queue.depths()))
    totals = _Totals()
    for word in (told(), *await siblings.words()):
        totals.add(orjson.loads(word))
    lines = [*_of_requests(totals), *_of_watches(totals), *_of_state(totals, head, depths), *_of_processes(totals), ""]
    return Reply(200, "\n".join(lines).encode(), _TYPE)


def _check_token(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise Unauthorized("/metrics is for whoever runs the service: its bearer token is in secrets/metrics-token")
    if not hmac.compare_digest(token.strip().encode(), str(settings.METRICS_TOKEN).encode()):
        raise Refused("/metrics is for whoever runs the service: its bearer token is in secrets/metrics-token")


def _of_requests(totals: _Totals) -> Iterator[str]:
    yield from _head(
        "apiserver_request_total", "counter", "Requests by verb, kind and code; a watch counts when it begins."
    )
    for (what, code), number in sorted(totals.requests.items()):
        yield _sample("apiserver_request_total", number, **_labels(what), code=str(code))
    yield from _head("apiserver_request_duration_seconds", "histogram", "How long answers took that do not go on.")
    for what, served in sorted(totals.served.items()):
        yield from _histogram("apiserver_request_duration_seconds", _labels(what), served)


def _histogram(name: str, labels: dict[str, str], served: _Served) -> Iterator[str]:
    total = 0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), served.counts, strict=True):
        total += number
        yield _sample(f"{name}_bucket", total, **labels, le=bound)
    yield _sample(f"{name}_sum", round(served.seconds, 6), **labels)
    yield _sample(f"{name}_count", total, **labels)


def _of_watches(totals: _Totals) -> Iterator[str]:
    yield from _head("apiserver_longrunning_requests", "gauge", "Watches and logs that go on now.")
    for what, number in sorted(totals.open.items()):
        yield _sample("apiserver_longrunning_requests", number, **_labels(what))


def _of_state(totals: _Totals, head: int, depths: dict[str, int]) -> Iterator[str]:
    yield from _head("cci_log_revision", "gauge", "The newest entry of the log of changes.")
    yield _sample("cci_log_revision", head)
    yield from _head("cci_read_cache_bytes", "gauge", "Memory in which objects are kept for reads, about.")
    yield _sample("cci_read_cache_bytes", totals.cache)
    yield from _head("cci_read_cache_limit_bytes", "gauge", "CCI_READ_CACHE, of all processes.")
    yield _sample("cci_read_cache_limit_bytes", int(settings.READ_CACHE) * totals.processes)
    yield from _head("workqueue_depth", "gauge", "Keys that controllers have to look at, of all processes together.")
    for name, number in sorted(depths.items()):
        yield _sample("workqueue_depth", number, name=name)


def _of_processes(totals: _Totals) -> Iterator[str]:
    yield from _head("cci_api_processes", "gauge", "Processes that answer on this port, whose sums these are.")
    yield _sample("cci_api_processes", totals.processes)
    yield from _head("process_cpu_seconds_total", "counter", "Processor time used.")
    yield _sample("process_cpu_seconds_total", round(totals.processor, 3))
    yield from _head("process_resident_memory_bytes", "gauge", "Memory held.")
    yield _sample("process_resident_memory_bytes", totals.resident)
    yield from _head("process_start_time_seconds", "gauge", "When the youngest of them began, since 1970.")
    yield _sample("process_start_time_seconds", round(totals.begun, 3))


def _what(words: list[str]) -> What:
    verb, group, plural, subresource = words
    return verb, group, plural, subresource


def _labels(what: What) -> dict[str, str]:
    return dict(zip(("verb", "group", "resource", "subresource"), what, strict=True))


def _head(name: str, type: str, meaning: str) -> Iterable[str]:
    return (f"# HELP {name} {meaning}", f"# TYPE {name} {type}")


def _sample(name: str, value: float, /, **labels: str) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
