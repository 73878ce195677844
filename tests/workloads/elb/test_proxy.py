"""What is asked of Services, Ingresses and ELBs, through a real Envoy."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.workloads.elb.proxies import Proxy, echo, pod, running
from workloads.elb.ads import Ads
from workloads.routing.resources import ENDPOINTS

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def elb(proxy: Proxy) -> str:
    """The address of the account's default ELB, on which `rules` are served."""
    address = proxy.address(1)
    proxy.put("ELB", "default", metadata={"namespace": ""}, spec={"address": address}, status={})
    return address


class Puts(Protocol):
    def put(self, kind: str, name: str, **parts: Any) -> JSON: ...


def service(proxy: Proxy, name: str, number: int, *places: str, protocol: str = "TCP", **spec: Any) -> JSON:
    """A Service with the ClusterIP of that number, and an endpoint that is ready at each place."""
    made = proxy.put(
        "Service",
        name,
        spec={
            "type": "ClusterIP",
            "clusterIP": proxy.address(number),
            "ports": [{"name": "main", "port": 80, "protocol": protocol}],
            **spec,
        },
    )
    endpoints(proxy, name, *places, protocol=protocol)
    return made


def endpoints(proxy: Puts, name: str, *places: str, protocol: str = "TCP", **conditions: bool) -> JSON:
    found = [
        {
            "addresses": [place],
            "conditions": {"ready": True, "serving": True, "terminating": False, **conditions},
            "targetRef": {"kind": "Pod", "uid": f"pod-{place}"},
        }
        for place in places
    ]
    return proxy.put(
        "EndpointSlice",
        f"{name}-1",
        metadata={"labels": {"kubernetes.io/service-name": name}},
        ports=[{"name": "main", "port": 8080, "protocol": protocol}],
        endpoints=found,
        addressType="IPv4",
    )


def path(to: str, where: str = "/", type: str = "Prefix") -> JSON:
    return {"path": where, "pathType": type, "backend": {"service": {"name": to, "port": {"number": 80}}}}


def ingress(proxy: Proxy, name: str, *rules: tuple[str, list[JSON]], **more: Any) -> JSON:
    annotations = {f"elb.cci.io/{key}": value for key, value in more.pop("annotations", {}).items()}
    port = more.pop("port", None)
    if port:
        annotations["kubernetes.io/elb.port"] = str(port)
    told = [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in rules]
    return proxy.put("Ingress", name, metadata={"annotations": annotations}, spec={"rules": told, **more})


def get(address: str, port: int = 80, where: str = "/", host: str = "", **more: Any) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=more.pop("source", None))) as client:
        return client.get(f"http://{address}:{port}{where}", headers={"Host": host} if host else {}, **more)


# Inside


def test_a_service_answers_at_its_address_and_spreads_over_its_pods(proxy: Proxy) -> None:
    one, two = proxy.address(131), proxy.address(132)
    with pod("one", one), pod("two", two):
        service(proxy, "spread", 10, one, two)
        said = {get(proxy.address(10), source=proxy.address(200)).text.split()[0] for _ in range(8)}
    assert said == {"one", "two"}


def test_nobody_but_the_namespaces_own_pods_reaches_a_service(proxy: Proxy) -> None:
    with pod("one", proxy.address(133)):
        service(proxy, "closed", 11, proxy.address(133))
        assert get(proxy.address(11), source=proxy.address(200)).status_code == 200
        with pytest.raises(httpx.TransportError):
            get(proxy.address(11), source=proxy.address(5))


def test_a_client_stays_with_its_pod_when_the_service_says_so(proxy: Proxy) -> None:
    places = [proxy.address(number) for number in range(134, 138)]
    with pod("a", places[0]), pod("b", places[1]), pod("c", places[2]), pod("d", places[3]):
        service(proxy, "sticky", 12, *places, sessionAffinity="ClientIP")
        said = {get(proxy.address(12), source=proxy.address(201)).text.split()[0] for _ in range(12)}
    assert len(said) == 1


def test_udp_is_answered_within_the_namespace_alone(proxy: Proxy) -> None:
    with echo(proxy.address(138), 8080, b"heard "):
        service(proxy, "udp", 13, proxy.address(138), protocol="UDP")
        assert ask(proxy.address(13), proxy.address(200)) == b"heard hello"
        assert ask(proxy.address(13), proxy.address(5), seconds=0.3) is None


def ask(address: str, source: str, *, seconds: float = 3.0) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(seconds)
        client.sendto(b"hello", (address, 80))
        try:
            return client.recv(100)
        except TimeoutError:
            return None


def test_a_pod_that_is_told_to_go_gets_no_request_whatever_its_slice_says(proxy: Proxy) -> None:
    stays, goes = proxy.address(139), proxy.address(140)
    with pod("stays", stays), pod("goes", goes):
        service(proxy, "leaving", 14, stays, goes)
        proxy.put("Pod", "goes", metadata={"uid": f"pod-{goes}", "deletionTimestamp": "2026-01-01T00:00:00Z"})
        said = {get(proxy.address(14), source=proxy.address(200)).text.split()[0] for _ in range(8)}
    assert said == {"stays"}


def test_while_none_is_ready_those_on_their_way_out_still_serve(proxy: Proxy) -> None:
    with pod("last", proxy.address(141)):
        service(proxy, "last", 15)
        endpoints(proxy, "last", proxy.address(141), ready=False, terminating=True)
        assert get(proxy.address(15), source=proxy.address(200)).text.startswith("last")


def test_endpoints_in_other_peoples_networks_are_left_out(proxy: Proxy) -> None:
    proxy.put("Network", "n", "other", "globex", spec={}, status={"state": "Active", "cidr": f"{proxy.network}.64/26"})
    with pod("foreign", proxy.address(70)):
        service(proxy, "curious", 16, proxy.address(70))
        with pytest.raises(httpx.TransportError):
            get(proxy.address(16), source=proxy.address(200))


# Outside


@pytest.fixture(scope="module")
def backends(proxy: Proxy) -> Iterator[None]:
    """Services `a` and `b`, each with a pod that says its name."""
    with pod("a", proxy.address(150)), pod("b", proxy.address(151)):
        service(proxy, "a", 20, proxy.address(150))
        service(proxy, "b", 21, proxy.address(151))
        yield


@pytest.mark.usefixtures("backends")
class TestIngresses:
    def test_rules_choose_by_host_and_by_the_longest_path(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "choose", ("a.example", [path("a"), path("b", "/api"), path("a", "/api/x", "Exact")]))
        asked = {
            where: get(elb, 80, where, "a.example").text.split()[0] for where in ("/", "/api/y", "/api/x", "/apis")
        }
        assert asked == {"/": "a", "/api/y": "b", "/api/x": "a", "/apis": "a"}

    def test_a_wildcard_is_for_one_label(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "wild", ("*.wild.example", [path("a")]))
        assert get(elb, 80, "/", "x.wild.example").text.startswith("a")
        assert get(elb, 80, "/", "x.wild.example:80").text.startswith("a")
        assert get(elb, 80, "/", "x.y.wild.example").status_code == 404

    def test_what_no_rule_matches_goes_to_the_default_backend(self, proxy: Proxy, elb: str) -> None:
        default = {"service": {"name": "b", "port": {"name": "main"}}}
        ingress(proxy, "rest", ("r.example", [path("a", "/only")]), defaultBackend=default, port=81)
        asked = [get(elb, 81, "/only", "r.example"), get(elb, 81, "/", "r.example"), get(elb, 81, "/", "else.example")]
        assert [one.text.split()[0] for one in asked] == ["a", "b", "b"]

    def test_without_a_rule_it_says_so(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "lonely", ("lonely.example", [path("a")]))
        answer = get(elb, 80, "/", "nobody.example")
        assert (answer.status_code, "has a rule for this host" in answer.text) == (404, True)

    def test_a_service_without_a_ready_pod_is_named(self, proxy: Proxy, elb: str) -> None:
        service(proxy, "empty", 22)
        ingress(proxy, "empty", ("empty.example", [path("empty")]))
        answer = get(elb, 80, "/", "empty.example")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Service shop/empty has no pod that is ready" in answer.text

    def test_a_service_that_is_not_there_is_named(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "nope", ("nope.example", [path("nope")]))
        answer = get(elb, 80, "/", "nope.example")
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert "Ingress shop/nope sends it to Service shop/nope, port 80" in answer.text

    def test_the_pod_is_told_who_asked_and_how(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "told", ("told.example", [path("a")]))
        answer = get(elb, 80, "/", "told.example", source=proxy.address(9))
        assert answer.text.split()[2:] == [proxy.address(9), "http"]

    def test_a_body_beyond_the_limit_is_refused(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "small", ("small.example", [path("a")]), annotations={"body-size": "1Ki"})
        headers = {"Host": "small.example"}
        assert httpx.post(f"http://{elb}/", content=b"x" * 1000, headers=headers).status_code == 200
        assert httpx.post(f"http://{elb}/", content=b"x" * 2000, headers=headers).status_code == 413

    def test_requests_beyond_the_rate_are_told_to_come_back(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "slow", ("slow.example", [path("a")]), annotations={"requests-per-second": "2"})
        answers = [get(elb, 80, "/", "slow.example") for _ in range(8)]
        refused = [one for one in answers if one.status_code == 429]
        assert 1 <= len(refused) <= 6
        assert refused[0].headers["Retry-After"] == "1"

    def test_websockets_pass(self, proxy: Proxy, elb: str) -> None:
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

    def test_a_pod_that_says_nothing_in_time_is_given_up(self, proxy: Proxy, elb: str) -> None:
        ingress(proxy, "mute", ("mute.example", [path("mute")]), annotations={"timeout-seconds": "0.3"})
        with socket.create_server((proxy.address(154), 8080)):
            service(proxy, "mute", 25, proxy.address(154))
            assert get(elb, 80, "/", "mute.example").status_code == 504

    def test_a_ready_pod_whose_health_path_fails_is_left_out_where_that_is_asked_for(
        self, proxy: Proxy, elb: str
    ) -> None:
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

    def test_a_health_path_that_nobody_asks_for_any_more_decides_nothing(self, proxy: Proxy, elb: str) -> None:
        with ill(proxy.address(157), fails="/healthz"):
            service(proxy, "forgiven", 27, proxy.address(157))
            rule = ("forgiven.example", [path("forgiven")])
            ingress(proxy, "forgiven", rule, annotations={"health-check-path": "/healthz"})
            asked = eventually(lambda: get(elb, 80, "/", rule[0]).status_code, 503, seconds=10)
            ingress(proxy, "forgiven", rule)
            assert (asked, get(elb, 80, "/", rule[0]).status_code) == (503, 200)

    def test_a_pod_that_was_ill_before_anybody_came_is_asked_again_soon(self, proxy: Proxy, elb: str) -> None:
        """Envoy's own way is to ask once a minute where no request has come yet."""
        with ill(proxy.address(158), fails="/healthz") as pods:
            service(proxy, "late", 28, proxy.address(158))
            ingress(proxy, "late", ("late.example", [path("late")]), annotations={"health-check-path": "/healthz"})
            eventually(lambda: pods.asked, True, seconds=10)
            pods.fails = ""
            assert eventually(lambda: get(elb, 80, "/", "late.example").status_code, 200, seconds=10) == 200

    def test_a_ready_pod_that_keeps_answering_with_errors_is_asked_on(self, proxy: Proxy, elb: str) -> None:
        """Readiness decides: nobody is put out for what it answers (outlier ejection is off)."""
        with pod("well", proxy.address(159)), ill(proxy.address(160), fails="/"):
            service(proxy, "moody", 29, proxy.address(159), proxy.address(160))
            ingress(proxy, "moody", ("moody.example", [path("moody")]))
            answers = [get(elb, 80, "/", "moody.example").status_code for _ in range(60)]
        assert 20 <= answers.count(500) <= 40
        assert {answers[number] for number in range(40, 60)} == {200, 500}

    def test_grpc_passes_with_and_without_tls(self, proxy: Proxy, elb: str) -> None:
        say = grpc.unary_unary_rpc_method_handler(lambda said, _context: said.upper())
        pods = grpc.server(futures.ThreadPoolExecutor(1))
        pods.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.Echo", {"Say": say})])
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
                assert channel.unary_unary("/echo.Echo/Say")(b"hello", timeout=10, wait_for_ready=True) == b"HELLO"
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


def until(client: socket.socket, end: bytes) -> bool:
    client.settimeout(5)
    found = b""
    while not found.endswith(end):
        some = client.recv(4096)
        if not some:
            return False
        found += some
    return True


# TLS


def certificate(*hosts: str, serial: int = 1) -> tuple[str, str]:
    """PEM of a certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form).decode()
    return made.public_bytes(serialization.Encoding.PEM).decode(), private


def secret(proxy: Proxy, name: str, pair: tuple[str, str]) -> None:
    data = {
        part: base64.b64encode(text.encode()).decode() for part, text in zip(("tls.crt", "tls.key"), pair, strict=True)
    }
    proxy.put("Secret", name, type="kubernetes.io/tls", data=data)


def shown(address: str, host: str, port: int = 443) -> int:
    """The serial number of the certificate that a client who asks for `host` is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=5) as line,
        context.wrap_socket(line, server_hostname=host or None) as secured,
    ):
        seen = secured.getpeercert(binary_form=True)
    assert seen is not None
    return x509.load_der_x509_certificate(seen).serial_number


@pytest.mark.usefixtures("backends")
class TestCertificates:
    def test_each_host_shows_its_own_and_port_80_sends_there(self, proxy: Proxy, elb: str) -> None:
        secret(proxy, "one", certificate("one.example", serial=11))
        secret(proxy, "two", certificate("two.example", serial=12))
        tls = [{"hosts": [f"{name}.example"], "secretName": name} for name in ("one", "two")]
        ingress(proxy, "tls", ("one.example", [path("a")]), ("two.example", [path("b")]), tls=tls)
        assert (shown(elb, "one.example"), shown(elb, "two.example")) == (11, 12)
        answer = get(elb, 80, "/x", "two.example")
        assert (answer.status_code, answer.headers["Location"]) == (308, "https://two.example/x")

    def test_who_asks_for_no_host_is_shown_the_first(self, proxy: Proxy, elb: str) -> None:
        secret(proxy, "first", certificate("first.example", serial=31))
        tls = [{"hosts": ["first.example"], "secretName": "first"}]
        ingress(proxy, "first", ("first.example", [path("a")]), tls=tls, port=8443)
        assert (shown(elb, "", 8443), shown(elb, "else.example", 8443)) == (31, 31)

    def test_a_new_certificate_is_shown_at_once_and_a_broken_one_never(self, proxy: Proxy, elb: str) -> None:
        secret(proxy, "turns", certificate("turns.example", serial=21))
        tls = [{"hosts": ["turns.example"], "secretName": "turns"}]
        ingress(proxy, "turns", ("turns.example", [path("a")]), tls=tls)
        before = shown(elb, "turns.example")
        secret(proxy, "turns", certificate("turns.example", serial=22))
        after = eventually(lambda: shown(elb, "turns.example"), 22)
        secret(proxy, "turns", (certificate("turns.example", serial=23)[0], certificate("other.example")[1]))
        assert (before, after, shown(elb, "turns.example")) == (21, 22, 22)

    def test_the_pod_is_told_that_it_was_https(self, proxy: Proxy, elb: str) -> None:
        secret(proxy, "proto", certificate("proto.example"))
        tls = [{"hosts": ["proto.example"], "secretName": "proto"}]
        ingress(proxy, "proto", ("proto.example", [path("a")]), tls=tls)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((elb, 443), timeout=5) as line,
            context.wrap_socket(line, server_hostname="proto.example") as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: proto.example\r\nX-Forwarded-Proto: http\r\n\r\n")
            assert until(secured, b"https\n")

    def test_https_speaks_http_2(self, proxy: Proxy, elb: str) -> None:
        secret(proxy, "h2", certificate("h2.example"))
        ingress(proxy, "h2", ("h2.example", [path("a")]), tls=[{"hosts": ["h2.example"], "secretName": "h2"}])
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection((elb, 443), timeout=5) as line,
            context.wrap_socket(line, server_hostname="h2.example") as secured,
        ):
            assert secured.selected_alpn_protocol() == "h2"


def eventually(ask: Any, wanted: Any, *, seconds: float = 3) -> Any:
    """Envoy has acknowledged; its workers take a moment more."""
    deadline = time.monotonic() + seconds
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


# Layer 4, and what goes wrong


def test_a_load_balancer_answers_on_the_elb_and_goes_with_its_service(proxy: Proxy, elb: str) -> None:
    with pod("four", proxy.address(160)):
        made = service(
            proxy,
            "four",
            30,
            proxy.address(160),
            type="LoadBalancer",
            ports=[{"name": "main", "port": 9000, "protocol": "TCP"}],
        )
        assert get(elb, 9000).text.startswith("four")
        proxy.drop(made)
        with pytest.raises(httpx.TransportError):
            get(elb, 9000)


def test_another_account_has_its_own_elb_and_sees_nothing_of_ours(proxy: Proxy, elb: str) -> None:
    theirs = proxy.address(2)
    proxy.put("ELB", "default", account="globex", metadata={"namespace": "", "uid": "their"}, spec={"address": theirs})
    with pytest.raises(httpx.TransportError):
        get(theirs, 80)


def test_envoy_rejects_nothing_of_all_this_and_has_taken_every_listener(proxy: Proxy, elb: str) -> None:
    assert proxy.rejected == {}
    for listeners in proxy.world.elb_listeners().values():
        assert eventually(lambda of=listeners: all(map(proxy.table.taken, of.values())), True)


def test_an_envoy_that_was_killed_serves_the_same_again(tmp_path: Path) -> None:
    with running() as proxy, pod("one", proxy.address(131)):
        service(proxy, "web", 10, proxy.address(131))
        proxy.kill_envoy()
        proxy.start_envoy()

        def answer() -> str:
            """It says that it has a listener a moment before it listens."""
            with contextlib.suppress(httpx.ConnectError):
                return get(proxy.address(10), source=proxy.address(200)).text[:3]
            return ""

        assert eventually(answer, "one") == "one"


def test_a_traffic_process_that_starts_again_takes_nothing_away(tmp_path: Path) -> None:
    with running() as proxy, pod("one", proxy.address(131)):
        service(proxy, "web", 10, proxy.address(131))

        def still_serves() -> None:
            for _ in range(5):
                assert get(proxy.address(10), source=proxy.address(200)).text.startswith("one")
                time.sleep(0.05)

        proxy.restart_traffic(still_serves)
        still_serves()


def test_an_address_that_somebody_else_has_is_said_and_had_when_it_is_free(proxy: Proxy, elb: str) -> None:
    with socket.create_server((proxy.address(40), 80)), pod("fine", proxy.address(161)):
        taken = service(proxy, "taken", 40, proxy.address(161))
        service(proxy, "fine", 41, proxy.address(161))
        assert get(proxy.address(41), source=proxy.address(200)).text.startswith("fine")
        assert [name for _, name in proxy.rejected] == ["service/acme/shop/taken/80"]
    assert eventually(lambda: proxy.rejected, {}, seconds=10) == {}
    proxy.drop(taken)


def test_what_is_no_resource_of_envoys_is_said_until_it_goes_and_the_rest_is_served() -> None:
    table = Ads()
    table.publish({(ENDPOINTS, "good"): {"cluster_name": "good"}, (ENDPOINTS, "bad"): {"nonsense": 1}}, 1)
    assert [name for _, name in table.rejected] == ["bad"]
    assert [name for _, name in table.snapshot.resources] == ["good"]
    table.publish({(ENDPOINTS, "good"): {"cluster_name": "good"}}, 2)
    assert table.rejected == {}
