"""Who sends or reads too slowly, too much or too often is let go, and holds up nobody else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import orjson
import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import Api, is_status
from workloads.kubeapi import connections, crowds
from workloads.kubeapi.crowds import Crowd
from workloads.meta.errors import TooManyRequests

MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"
Connect = Callable[[], ssl.SSLSocket]


@pytest.fixture
def connect(server, certificates) -> Iterator[Connect]:
    """A bare connection to the API."""
    trust = ssl.create_default_context(cafile=certificates.ca)
    with ExitStack() as open_ones:

        def connected() -> ssl.SSLSocket:
            plain = socket.create_connection(("127.0.0.1", int(server.rpartition(":")[2])), timeout=10)
            return open_ones.enter_context(trust.wrap_socket(plain, server_hostname="127.0.0.1"))

        yield connected


def head(api: Api, method: str, path: str, *lines: str) -> bytes:
    bearer = f"Authorization: {api.headers['Authorization']}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", bearer, *lines, "", ""]).encode()


def to_the_end(line: ssl.SSLSocket) -> bytes:
    got = b""
    with suppress(OSError):
        while part := line.recv(65536):
            got += part
    return got


def trickled(line: ssl.SSLSocket, drop: bytes, *, seconds: float) -> bool:
    """Whether the connection was cut while `drop` after `drop` was sent."""
    deadline = time.monotonic() + seconds
    line.settimeout(0.02)
    while time.monotonic() < deadline:
        try:
            line.sendall(drop)
            if not line.recv(65536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("first", [b"", b"GET /version HTTP/1.1\r\nHost: x\r\n"])
def test_headers_that_never_end_are_not_waited_for(connect, monkeypatch, first):
    monkeypatch.setattr(connections, "HEADERS_SECONDS", 0.3)
    line = connect()
    line.sendall(first)
    assert trickled(line, b"A: b\r\n" if first else b"\r\n", seconds=5)


def test_headers_without_end_are_too_large(connect):
    line = connect()
    line.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n")
    with suppress(OSError):
        for _ in range(40):
            line.sendall(b"A: " + b"b" * 65_000 + b"\r\n")
    answer = to_the_end(line)
    assert not answer or answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large")


def test_nobody_keeps_a_connection_open_with_nothing(connect, api, monkeypatch):
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.3)
    line = connect()
    line.sendall(head(api, "GET", "/version"))
    assert b"200 OK" in line.recv(65536)
    assert trickled(line, b"\r\n", seconds=5)


def test_a_body_that_trickles_is_a_timeout_and_the_connection_ends(connect, api, shop, monkeypatch):
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.2)
    line = connect()
    line.sendall(head(api, "POST", MAPS, "Content-Type: application/json", "Content-Length: 5000"))
    line.sendall(b'{"metadata":')
    begun, answer = time.monotonic(), to_the_end(line)
    assert time.monotonic() - begun < 5
    status = orjson.loads(answer.partition(b"\r\n\r\n")[2])
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert status["message"] == "Timeout: request did not complete within the allotted timeout"


@pytest.mark.parametrize("how", ["Content-Length: 99999999999", "Transfer-Encoding: chunked"])
def test_who_goes_on_sending_what_is_too_large_is_cut(connect, api, shop, monkeypatch, how):
    monkeypatch.setattr(connections, "LONGEST_REST", 1024 * 1024)
    line, chunk = connect(), b"x" * 65_536
    wire = b"10000\r\n" + chunk + b"\r\n" if "chunked" in how else chunk
    line.sendall(head(api, "POST", MAPS, "Content-Type: application/json", how))
    sent = 0
    with suppress(OSError):
        while sent < 64 * 1024 * 1024:
            line.sendall(wire)
            sent += len(wire)
    assert sent < 32 * 1024 * 1024


def test_who_is_told_that_a_body_is_too_large_may_send_the_rest_of_it(api, shop):
    is_status(api.post(MAPS, content=b" " * 4_000_000, headers={"Content-Type": "application/json"}), 413)
    assert api.get(MAPS).status_code == 200


def test_who_does_not_read_a_long_answer_is_let_go(connect, api, shop, monkeypatch):
    for number in range(16):
        api.make(MAPS, {"metadata": {"name": f"m{number}"}, "data": {"a": "x" * 900_000}})
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.3)
    line = connect()
    line.sendall(head(api, "GET", MAPS))
    time.sleep(1)
    assert len(to_the_end(line)) < 14_000_000


@pytest.fixture
def few(monkeypatch):
    """Three watches at once, two of one account."""
    monkeypatch.setattr(crowds, "MOST_WATCHES", 3)
    crowds.forget()
    yield
    crowds.forget()


def test_beyond_so_many_watches_who_comes_is_told_to_come_again(api, other_api, shop, few):
    other_api.make("/api/v1/namespaces", manifests.namespace("shop"))
    watch = {"watch": "1", "timeoutSeconds": "30"}
    with ExitStack() as open_ones:
        for _ in range(2):
            open_ones.enter_context(api.stream("GET", PODS, params=watch))
        refused = api.get(PODS, params=watch)
        assert "2 watches of one account" in is_status(refused, 429)["message"]
        assert refused.headers["retry-after"] == "1"
        with other_api.stream("GET", PODS, params=watch) as another:
            assert another.status_code == 200
        assert api.get(PODS).status_code == 200
    with api.stream("GET", PODS, params=watch) as again:
        assert again.status_code == 200


async def test_who_finds_no_room_waits_for_the_first_place_that_is_theirs():
    crowd = Crowd("requests", most=2, of_one=1, patience=5)
    await crowd.enter("acme")
    await crowd.enter("other")
    waiting = asyncio.create_task(crowd.enter("acme"))
    await asyncio.sleep(0)
    crowd.leave("other")
    await asyncio.sleep(0)
    assert not waiting.done()  # a second place of acme's
    await crowd.enter("third")
    crowd.leave("acme")
    await asyncio.wait_for(waiting, 1)


async def test_who_has_waited_long_enough_is_refused_and_leaves_no_trace():
    crowd = Crowd("requests", most=1, of_one=1, patience=0.05)
    await crowd.enter("acme")
    with pytest.raises(TooManyRequests, match="try again later") as refusal:
        await crowd.enter("other")
    gone = asyncio.create_task(crowd.enter("other"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    crowd.leave("acme")
    await crowd.enter("third")
    assert refusal.value.retry_after == 1
