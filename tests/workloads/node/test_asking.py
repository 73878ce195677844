"""A probe asked for real: servers of this test's own, commands in the simulated runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.stack import free_port
from workloads.meta.keys import Uid
from workloads.node.asking import Asker, Outcome, Question
from workloads.runtimes.base import Ran, RuntimeFault
from workloads.runtimes.simulated import Simulated

JSON = dict[str, Any]
HERE = "127.0.0.1"


class Shell(Simulated):
    """Every command comes to the same."""

    def __init__(self, ran: Ran | RuntimeFault) -> None:
        super().__init__()
        self.ran = ran

    def exec(self, uid: Uid, container: str, command: Any, *, seconds: float) -> Ran:
        if isinstance(self.ran, RuntimeFault):
            raise self.ran
        return self.ran


def ask(probe: JSON, *, runtime: Simulated | None = None, ports: list[JSON] | None = None) -> Outcome:
    async def asked() -> Outcome:
        asker = Asker(runtime or Simulated())
        try:
            return await asker.ask(question(probe, ports))
        finally:
            await asker.close()

    return asyncio.run(asked())


def question(probe: JSON, ports: list[JSON] | None = None) -> Question:
    return Question(uid=Uid("u"), ip=HERE, container={"name": "app", "ports": ports or []}, probe=probe)


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers every request with these bytes, or never; its port, and what it was asked."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer or b"")
        if answer is None:
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        done.release()

    begun, done = [0], asyncio.Semaphore(0)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
        begun[0] += 1
        return serve(reader, writer)

    async with await asyncio.start_server(begin, HERE, 0) as listening:
        yield listening.sockets[0].getsockname()[1], heard
        for _ in range(begun[0]):
            await done.acquire()


def http(answer: bytes | None, **request: Any) -> tuple[Outcome, int, list[bytes]]:
    async def asked() -> tuple[Outcome, int, list[bytes]]:
        async with server(answer) as (port, heard):
            asker = Asker(Simulated())
            probe = {"httpGet": {"port": port, "path": "/healthz", "scheme": "HTTP", **request}, "timeoutSeconds": 0.3}
            try:
                return await asker.ask(question(probe)), port, heard
            finally:
                await asker.close()

    return asyncio.run(asked())


@pytest.mark.parametrize("status", [b"200 OK", b"204 No Content", b"399 Odd"])
def test_an_answer_from_200_to_399_passes(status: bytes) -> None:
    outcome, _, heard = http(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    assert outcome == Outcome(passes=True)
    assert heard[0].startswith(b"GET /healthz HTTP/1.1\r\n")
    assert b"user-agent: kube-probe/1.33" in heard[0].lower()


def test_any_other_answer_fails_with_its_code() -> None:
    outcome, _, _ = http(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    assert outcome == Outcome(passes=False, words="HTTP probe failed with statuscode: 503")


def test_the_pods_own_headers_win() -> None:
    _, _, heard = http(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", httpHeaders=[{"name": "User-Agent", "value": "me"}]
    )
    assert b"user-agent: me\r\n" in heard[0].lower()
    assert b"kube-probe" not in heard[0]


def test_a_redirect_that_leads_out_of_the_pod_is_a_good_answer() -> None:
    outcome, _, _ = http(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n")
    assert outcome.passes


def test_a_redirect_within_the_pod_is_followed_and_not_for_ever() -> None:
    outcome, _, heard = http(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")
    assert not outcome.passes
    assert len(heard) == 10


def test_silence_fails_when_its_time_is_over() -> None:
    outcome, port, _ = http(None)
    words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    assert outcome == Outcome(passes=False, words=f'Get "http://{HERE}:{port}/healthz": {words}')


def test_an_answer_that_is_no_http_fails() -> None:
    outcome, _, _ = http(b"what?\r\n\r\n")
    assert outcome.passes is False


def test_a_port_where_nobody_listens_is_refused_in_gos_words() -> None:
    port = free_port()
    refused = f"dial tcp {HERE}:{port}: connect: connection refused"
    assert ask({"tcpSocket": {"port": port}}) == Outcome(passes=False, words=refused)
    outcome = ask({"httpGet": {"port": port, "path": "/"}})
    assert outcome == Outcome(passes=False, words=f'Get "http://{HERE}:{port}/": {refused}')


def test_a_connection_is_enough_for_a_tcp_probe_and_a_port_may_have_a_name() -> None:
    async def asked() -> Outcome:
        async with server(b"") as (port, _):
            asker = Asker(Simulated())
            try:
                ports = [{"name": "redis", "containerPort": port}]
                return await asker.ask(question({"tcpSocket": {"port": "redis"}}, ports))
            finally:
                await asker.close()

    assert asyncio.run(asked()) == Outcome(passes=True)


def test_a_name_that_no_port_has_cannot_be_asked() -> None:
    assert ask({"tcpSocket": {"port": "web"}}) == Outcome(None, "couldn't find port: web")


@pytest.mark.parametrize(
    ("ran", "outcome"),
    [
        (Ran(0, b"fine\n"), Outcome(passes=True, words="fine")),
        (Ran(1, b"no table\n"), Outcome(passes=False, words="no table")),
        (Ran(None, b""), Outcome(passes=False, words='command timed out: "pg_isready -q" timed out after 1s')),
        (RuntimeFault("it does not run"), Outcome(None, "it does not run")),
    ],
)
def test_a_command_passes_by_its_exit_code(ran: Ran | RuntimeFault, outcome: Outcome) -> None:
    assert ask({"exec": {"command": ["pg_isready", "-q"]}}, runtime=Shell(ran)) == outcome
