"""The agent's sessions over a real Unix socket: streams both ways in bounded memory, and nothing left behind."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from workloads.meta.errors import BadRequest, NotFound, Unavailable
from workloads.meta.keys import Uid
from workloads.node.sessions import Sessions
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec
from workloads.runtimes.simulated import Simulated
from workloads.runtimes.simulatedsessions import Inside
from workloads.verbs.calls import SessionTarget
from workloads.verbs.links import WINDOW_BYTES, Gone, Kind, Link
from workloads.verbs.sessions import Ending, Session, opened

TOKEN = "token-of-the-agent"
Serve = Callable[..., Any]


@pytest.fixture
async def serve(runtime: Simulated, settings: Settings) -> AsyncIterator[Serve]:
    """Starts the agent's half; gives the place of its socket."""
    folder, serving = Path(tempfile.mkdtemp(prefix="cci-")), []
    settings.AGENT_TOKEN = TOKEN

    async def start(**limits: Any) -> str:
        sessions = Sessions(runtime, token=TOKEN, grace_seconds=0, **limits)
        place = str(folder / f"{len(serving)}.sock")
        serving.append((await asyncio.start_unix_server(sessions.serve, place), sessions))
        return place

    yield start
    for server, sessions in serving:
        server.close()
        await sessions.close()
    shutil.rmtree(folder)


@pytest.fixture
def pod(runtime: Simulated) -> SandboxSpec:
    network = runtime.ensure_network(NetworkSpec(name="n", cidr="10.248.0.0/24"))
    spec = SandboxSpec(
        uid=Uid("11111111-2222-3333-4444-555555555555"),
        account="acme",
        namespace="shop",
        name="web-1",
        network=network,
        hostname="web-1",
        containers=(ContainerSpec("app", "busybox:1", None, None, {}, stdin=True),),
        cpu_millis=250,
        memory_bytes=1024**2,
    )
    runtime.ensure_sandbox(spec)
    runtime.start_container(spec, "app", attempt=0)
    return spec


def target(place: str, pod: SandboxSpec, **changes: Any) -> SessionTarget:
    streams = {"stdin": True, "stdout": True, "stderr": True}
    order = {"account": "acme", "uid": pod.uid, "do": "exec", "container": "app", "command": ["run"], **streams}
    return SessionTarget(place, {**order, **changes})


async def output(session: Session) -> bytes:
    said = []
    while piece := await session.read():
        said.append(piece.data)
    return b"".join(said)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def echo(inside: Inside) -> int:
    while data := inside.read():
        inside.write(data)
    return 0


def flood(inside: Inside) -> int:
    while True:
        inside.write(bytes(1000))


async def test_streams_go_both_ways_and_the_exit_code_comes_last(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    def talk(inside: Inside) -> int:
        inside.complain(b"err")
        return 7 if inside.read() == b"hello" else 1

    runtime.on_session("app", talk)
    session = await opened(target(await serve(), pod))
    await session.write(b"hello")
    first = await session.read()
    assert first is not None and (first.stream, first.data) == ("stderr", b"err")
    assert await session.read() is None
    assert session.ending == Ending(exit_code=7)
    await session.close()


async def test_50_megabytes_come_back_whole_from_a_reader_that_waits(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    runtime.on_session("app", echo)
    session = await opened(target(await serve(), pod))
    chunk, count = bytes(range(256)) * 4096, 50

    async def send() -> None:
        for _ in range(count):
            await session.write(chunk)
        await session.end_input()

    sending = asyncio.create_task(send())
    assert (await output(session) == chunk * count) is True
    await sending
    await session.close()


async def test_a_flood_that_nobody_reads_stops_at_a_window_and_ends_with_its_reader(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    runtime.on_session("app", flood)
    session = await opened(target(await serve(), pod))
    held = session._link._waiting
    await until(lambda: sum(len(frame.payload) for frame in held) > WINDOW_BYTES // 2)
    await asyncio.sleep(0.05)
    assert sum(len(frame.payload) for frame in held) <= WINDOW_BYTES
    await session.close()
    await until(lambda: runtime.sessions(pod.uid, "app") == [])


async def test_a_process_that_reads_nothing_holds_up_its_caller_and_not_its_own_output(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    go = threading.Event()

    def deaf(inside: Inside) -> int:
        inside.write(b"I do not listen")
        go.wait(10)
        return 0

    runtime.on_session("app", deaf)
    session = await opened(target(await serve(), pod))
    writing = asyncio.create_task(session.write(bytes(10 * WINDOW_BYTES)))
    assert (await session.read() or pytest.fail()).data == b"I do not listen"
    await asyncio.sleep(0.05)
    assert not writing.done()
    await session.resize(columns=80, rows=24)
    await until(lambda: runtime.sessions(pod.uid, "app")[0].inside.sizes == [(80, 24)])
    go.set()
    assert await session.read() is None
    await session.close()
    await writing


async def test_a_caller_that_goes_takes_its_command_along(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.on_session("app", echo)
    session = await opened(target(await serve(), pod))
    assert len(runtime.sessions(pod.uid, "app")) == 1
    await session.close()
    await until(lambda: runtime.sessions(pod.uid, "app") == [])


async def test_a_container_that_ends_ends_its_commands(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.on_session("app", echo)
    session = await opened(target(await serve(), pod))
    runtime.exit(pod.uid, "app", 0)
    assert await session.read() is None
    assert session.ending == Ending(exit_code=137)
    await session.close()


async def test_an_agent_that_goes_is_said(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.on_session("app", echo)
    session = await opened(target(await serve(), pod))
    session._link._writer.transport.abort()
    assert await session.read() is None
    assert session.ending is not None and "agent went away" in session.ending.error
    await session.close()


async def test_a_silent_session_is_closed_after_its_time(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.on_session("app", echo)
    session = await opened(target(await serve(idle_seconds=0.05), pod))
    assert await session.read() is None
    assert session.ending is not None and "silence" in session.ending.error
    await session.close()
    await until(lambda: runtime.sessions(pod.uid, "app") == [])


async def test_an_attachment_speaks_to_the_containers_own_process_and_leaves_it_running(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    session = await opened(target(await serve(), pod, do="attach"))
    runtime.print(pod.uid, "app", b"spoken")
    assert (await session.read() or pytest.fail()).data == b"spoken\n"
    await session.write(b"typed")
    heard = b""

    def hears() -> bool:
        nonlocal heard
        heard += runtime.heard(pod.uid, "app")
        return heard == b"typed"

    await until(hears)
    await session.close()
    status = runtime.observe(pod.uid)
    assert status is not None and status.containers["app"].state == "running"


async def test_a_connection_carries_bytes_and_its_half_close(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    def count(line: socket.socket) -> None:
        total = 0
        while data := line.recv(65536):
            total += len(data)
        line.sendall(str(total).encode())

    runtime.on_connect(80, count)
    session = await opened(target(await serve(), pod, do="connect", port=80))
    await session.write(bytes(1_000_000))
    await session.end_input()
    assert await output(session) == b"1000000"
    assert session.ending == Ending()
    await session.close()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"account": "globex"}, NotFound, 'container not found \\("app"\\)'),
        ({"container": "side"}, NotFound, 'container not found \\("side"\\)'),
        ({"do": "connect", "port": 99}, BadRequest, "connection refused"),
        ({"do": "connect", "port": 99, "account": "globex", "container": ""}, NotFound, "not running"),
        ({"do": "dance"}, BadRequest, "none of"),
        ({"command": []}, BadRequest, "command is missing"),
        ({"uid": ""}, BadRequest, "uid is missing"),
        ({"account": ""}, BadRequest, "account is missing"),
    ],
)
async def test_what_cannot_be_opened_is_said(
    serve: Serve, pod: SandboxSpec, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await opened(target(await serve(), pod, **changes))


async def test_a_wrong_token_opens_nothing(
    serve: Serve, runtime: Simulated, pod: SandboxSpec, settings: Settings
) -> None:
    place = await serve()
    settings.AGENT_TOKEN = "another"
    with pytest.raises(Unavailable, match="token"):
        await opened(target(place, pod))
    assert runtime.commands == []


async def test_a_runtime_that_is_away_is_said(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.stop_daemon()
    with pytest.raises(Unavailable, match="does not answer"):
        await opened(target(await serve(), pod))


async def test_an_agent_that_is_not_there_is_said(pod: SandboxSpec, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="agent does not answer"):
        await opened(target(str(tmp_path / "nobody.sock"), pod))


async def test_an_account_has_so_many_sessions_and_gets_another_when_one_ends(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    runtime.on_session("app", echo)
    place = await serve(most_of_account=2)
    first, second = await opened(target(place, pod)), await opened(target(place, pod))
    with pytest.raises(Unavailable, match="2 sessions are open already"):
        await opened(target(place, pod))
    await first.close()
    await until(lambda: len(runtime.sessions(pod.uid, "app")) == 1)
    third = await opened(target(place, pod))
    for session in (second, third):
        await session.close()


async def test_many_sessions_at_once_take_few_threads(serve: Serve, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.on_session("app", echo)
    place = await serve()
    sessions = await asyncio.gather(*(opened(target(place, pod)) for _ in range(100)))
    for session in sessions:
        await session.write(b"x")
    assert [(await one.read() or pytest.fail()).data for one in sessions] == [b"x"] * 100
    assert sum(thread.name.startswith("session") for thread in threading.enumerate()) <= 8
    for session in sessions:
        await session.close()
    await until(lambda: runtime.sessions(pod.uid, "app") == [])


@pytest.mark.parametrize(
    "wire", [b"", b"\x63\0\0\0\0", b"\x01\xff\xff\xff\xff", b"\x01\0\0\0\x02{}", b"\x01\0\0\0\x01{", b"\x0a\0\0\0\0"]
)
async def test_nonsense_on_the_line_opens_nothing(
    serve: Serve, runtime: Simulated, pod: SandboxSpec, wire: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(await serve())
    writer.write(wire)
    writer.write_eof()
    answer = await reader.read()
    assert answer == b"" or answer[0] == Kind.REFUSED
    assert runtime.commands == []
    writer.close()


async def test_who_sends_more_than_there_is_room_for_is_cut_off(
    serve: Serve, runtime: Simulated, pod: SandboxSpec
) -> None:
    runtime.on_session("app", lambda inside: threading.Event().wait(5) or 0)
    link = Link(*await asyncio.open_unix_connection(await serve()))
    await link.send(Kind.ORDER, orjson.dumps({**target("", pod).order, "token": TOKEN}))
    assert (await link.receive()).kind == Kind.READY
    with pytest.raises(Gone):
        for _ in range(100):
            await link.send(Kind.STDIN, bytes(32 * 1024))
        await link.receive()
    await link.close()
