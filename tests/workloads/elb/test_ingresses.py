"""What is asked of Ingresses, through a real Envoy."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import httpx
import pytest

from tests.workloads.elb.asking import certificate, eventually, get, ingress, path, secret, service, until
from tests.workloads.elb.proxies import Proxy, pod

pytestmark = pytest.mark.usefixtures("backends")


def test_rules_choose_by_host_and_by_the_longest_path(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "choose", ("a.example", [path("a"), path("b", "/api"), path("a", "/api/x", "Exact")]))
    asked = {where: get(elb, 80, where, "a.example").text.split()[0] for where in ("/", "/api/y", "/api/x", "/apis")}
    assert asked == {"/": "a", "/api/y": "b", "/api/x": "a", "/apis": "a"}


def test_a_wildcard_is_for_one_label(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "wild", ("*.wild.example", [path("a")]))
    assert get(elb, 80, "/", "x.wild.example").text.startswith("a")
    assert get(elb, 80, "/", "x.wild.example:80").text.startswith("a")
    assert get(elb, 80, "/", "x.y.wild.example").status_code == 404


def test_what_no_rule_matches_goes_to_the_default_backend(proxy: Proxy, elb: str) -> None:
    default = {"service": {"name": "b", "port": {"name": "main"}}}
    ingress(proxy, "rest", ("r.example", [path("a", "/only")]), defaultBackend=default, port=81)
    asked = [get(elb, 81, "/only", "r.example"), get(elb, 81, "/", "r.example"), get(elb, 81, "/", "else.example")]
    assert [one.text.split()[0] for one in asked] == ["a", "b", "b"]


def test_without_a_rule_it_says_so(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "lonely", ("lonely.example", [path("a")]))
    answer = get(elb, 80, "/", "nobody.example")
    assert (answer.status_code, "has a rule for this host" in answer.text) == (404, True)


def test_a_service_without_a_ready_pod_is_named(proxy: Proxy, elb: str) -> None:
    service(proxy, "empty", 22)
    ingress(proxy, "empty", ("empty.example", [path("empty")]))
    answer = get(elb, 80, "/", "empty.example")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Service shop/empty has no pod that is ready" in answer.text


def test_a_service_that_is_not_there_is_named(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "nope", ("nope.example", [path("nope")]))
    answer = get(elb, 80, "/", "nope.example")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "Ingress shop/nope sends it to Service shop/nope, port 80" in answer.text


def test_the_pod_is_told_who_asked_and_how(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "told", ("told.example", [path("a")]))
    answer = get(elb, 80, "/", "told.example", source=proxy.address(9))
    assert answer.text.split()[2:] == [proxy.address(9), "http"]


def test_a_body_beyond_the_limit_is_refused(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "small", ("small.example", [path("a")]), annotations={"body-size": "1Ki"})
    headers = {"Host": "small.example"}
    assert httpx.post(f"http://{elb}/", content=b"x" * 1000, headers=headers).status_code == 200
    assert httpx.post(f"http://{elb}/", content=b"x" * 2000, headers=headers).status_code == 413


def test_requests_beyond_the_rate_are_told_to_come_back(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "slow", ("slow.example", [path("a")]), annotations={"requests-per-second": "2"})
    answers = [get(elb, 80, "/", "slow.example") for _ in range(8)]
    refused = [one for one in answers if one.status_code == 429]
    assert 1 <= len(refused) <= 6
    assert refused[0].headers["Retry-After"] == "1"


def test_websockets_pass(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "ws", ("ws.example", [path("ws")]))
    with socket.create_server((proxy.address(152), 8080)) as server:
        service(proxy, "ws", 23, proxy.address(152))
        with socket.create_connection((elb, 80)) as client:
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: ws.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            line, _ = server.accept()
            assert b"upgrade: websocket" in line.recv(4096).lower()
            line.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            line.sendall(b"frame")
            assert until(client, b"frame")
            line.close()


def test_a_pod_that_says_nothing_in_time_is_given_up(proxy: Proxy, elb: str) -> None:
    ingress(proxy, "mute", ("mute.example", [path("mute")]), annotations={"timeout-seconds": "0.3"})
    with socket.create_server((proxy.address(154), 8080)):
        service(proxy, "mute", 25, proxy.address(154))
        assert get(elb, 80, "/", "mute.example").status_code == 504


def test_a_ready_pod_whose_health_path_fails_is_left_out_where_that_is_asked_for(proxy: Proxy, elb: str) -> None:
    with pod("well", proxy.address(155)), ill(proxy.address(156), fails="/healthz") as pods:
        service(proxy, "looked", 26, proxy.address(155), proxy.address(156))
        for name, annotations in (("looked", {"health-check-path": "/healthz"}), ("trusted", {})):
            ingress(proxy, name, (f"{name}.example", [path("looked")]), annotations=annotations)

        def answers(host: str) -> set[bool]:
            return {get(elb, 80, "/", host).text.startswith("well") for _ in range(8)}

        assert eventually(lambda: answers("looked.example"), {True}, seconds=10) == {True}
        assert answers("trusted.example") == {True, False}
        pods.fails = ""
        assert eventually(lambda: answers("looked.example"), {True, False}, seconds=10) == {True, False}


def test_a_health_path_that_nobody_asks_for_any_more_decides_nothing(proxy: Proxy, elb: str) -> None:
    with ill(proxy.address(157), fails="/healthz"):
        service(proxy, "forgiven", 27, proxy.address(157))
        rule = ("forgiven.example", [path("forgiven")])
        ingress(proxy, "forgiven", rule, annotations={"health-check-path": "/healthz"})
        asked = eventually(lambda: get(elb, 80, "/", rule[0]).status_code, 503, seconds=10)
        ingress(proxy, "forgiven", rule)
        assert (asked, get(elb, 80, "/", rule[0]).status_code) == (503, 200)


def test_a_pod_that_was_ill_before_anybody_came_is_asked_again_soon(proxy: Proxy, elb: str) -> None:
    """Envoy's own way is to ask once a minute where no request has come yet."""
    with ill(proxy.address(158), fails="/healthz") as pods:
        service(proxy, "late", 28, proxy.address(158))
        ingress(proxy, "late", ("late.example", [path("late")]), annotations={"health-check-path": "/healthz"})
        eventually(lambda: pods.asked, True, seconds=10)
        pods.fails = ""
        assert eventually(lambda: get(elb, 80, "/", "late.example").status_code, 200, seconds=10) == 200


def test_a_ready_pod_that_keeps_answering_with_errors_is_asked_on(proxy: Proxy, elb: str) -> None:
    """Readiness decides: nobody is put out for what it answers (outlier ejection is off)."""
    with pod("well", proxy.address(159)), ill(proxy.address(160), fails="/"):
        service(proxy, "moody", 29, proxy.address(159), proxy.address(160))
        ingress(proxy, "moody", ("moody.example", [path("moody")]))
        answers = [get(elb, 80, "/", "moody.example").status_code for _ in range(60)]
    assert 20 <= answers.count(500) <= 40
    assert {answers[number] for number in range(40, 60)} == {200, 500}


def test_grpc_passes_with_and_without_tls(proxy: Proxy, elb: str) -> None:
    def say(said: bytes, context: grpc.ServicerContext) -> bytes:
        return said.upper()

    pods = grpc.server(futures.ThreadPoolExecutor(1))
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Say": grpc.unary_unary_rpc_method_handler(say)}
    pods.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.Echo", handlers)])
    pods.add_insecure_port(f"{proxy.address(153)}:8080")
    pods.start()
    service(proxy, "rpc", 24, proxy.address(153))
    pair = certificate("rpc.example")
    secret(proxy, "rpc", pair)
    speaks = {"backend-protocol": "grpc"}
    ingress(proxy, "rpc", ("plain.rpc.example", [path("rpc")]), annotations=speaks)
    tls = [{"hosts": ["rpc.example"], "secretName": "rpc"}]
    ingress(proxy, "rpcs", ("rpc.example", [path("rpc")]), annotations=speaks, tls=tls)
    trust = grpc.ssl_channel_credentials(pair[0].encode())
    plain = grpc.insecure_channel(f"{elb}:80", [("grpc.default_authority", "plain.rpc.example")])
    secure = grpc.secure_channel(f"{elb}:443", trust, [("grpc.ssl_target_name_override", "rpc.example")])
    for channel in (plain, secure):
        with channel:
            ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/echo.Echo/Say")
            assert ask(b"hello", timeout=10, wait_for_ready=True) == b"HELLO"
    pods.stop(0)


class _Ill(http.server.BaseHTTPRequestHandler):
    server: Ill

    def do_GET(self) -> None:
        self.server.asked |= self.path == self.server.fails
        self.send_response(500 if self.path == self.server.fails else 200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class Ill(socketserver.ThreadingTCPServer):
    """A pod that answers 500 at the path `fails`, and 200 elsewhere."""

    daemon_threads = allow_reuse_address = True
    fails = ""
    asked = False
    """Whether somebody has been answered 500."""


@contextlib.contextmanager
def ill(address: str, *, fails: str) -> Iterator[Ill]:
    with Ill((address, 8080), _Ill) as server:
        server.fails = fails
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
