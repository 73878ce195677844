"""From Envoy's counters at two moments to what a listener is asked."""

from __future__ import annotations

from typing import Any

from workloads.routing import figures
from workloads.routing.figures import Sample

JSON = dict[str, Any]
UID = "3232f1fc-9ea9-40bc-9ec6-047034691844"


def stats(at: float, *, half: float | None = 2.5, **counters: int) -> Sample:
    """`http_443__rq_total=5` is a counter of the listener 443."""
    told: list[JSON] = []
    for name, value in counters.items():
        place, _sep, counter = name.partition("__")
        layer, port = place.split("_")
        told.append({"name": f"{layer}.elb/{UID}/{port}.downstream_{counter}", "value": value})
    values = [{"cumulative": number, "interval": None} for number in (half, half and half * 10)]
    quantiles = {"name": f"http.elb/{UID}/443.downstream_rq_time", "values": values}
    told.append({"histograms": {"supported_quantiles": [50, 99], "computed_quantiles": [quantiles]}})
    return figures.sample(told, at=at)


def test_rates_are_what_came_between_two_moments() -> None:
    old = stats(10, http_443__rq_total=100, http_443__rq_5xx=10, http_443__cx_tx_bytes_total=1000)
    new = stats(15, http_443__rq_total=150, http_443__rq_5xx=15, http_443__cx_tx_bytes_total=6000)
    (one,) = figures.between(old, new)
    assert (one["port"], one["perSecond"], one["failedShare"], one["sentPerSecond"]) == (443, 10.0, 0.1, 1000)
    assert (one["p50"], one["p99"], one["total"], one["failed"]) == (2.5, 25.0, 150, 15)


def test_a_proxy_that_began_anew_counts_from_nothing() -> None:
    old, new = stats(10, tcp_9000__cx_total=500), stats(12, tcp_9000__cx_total=4)
    (one,) = figures.between(old, new)
    assert (one["perSecond"], one["failedShare"], one["p50"]) == (2.0, None, None)


def test_listeners_are_told_apart_by_port_and_layer() -> None:
    told = [
        {"name": f"udp.elb/{UID}/53/udp.downstream_sess_total", "value": 7},
        {"name": f"tcp.elb/{UID}/53.downstream_cx_total", "value": 3},
        {"name": "http.admin.downstream_rq_total", "value": 9},
    ]
    found = figures.between(Sample(0.0), figures.sample(told, at=1.0))
    assert [(one["port"], one["layer"], one["perSecond"]) for one in found] == [(53, "tcp", 3.0), (53, "udp", 7.0)]


def test_before_the_first_request_there_is_no_latency() -> None:
    (one,) = figures.between(stats(0, half=None, http_443__rq_total=0), stats(1, half=None, http_443__rq_total=0))
    assert one["p50"] is None and one["perSecond"] == 0.0
