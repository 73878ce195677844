"""A shell in the browser: over the agent's own sessions, for whoever may, for as long as they may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from pytest_django import Settings

from console import vigils
from console.live import terminals
from iam import people, policies
from iam.identities import Identity, identity_of
from iam.models import AuditEntry
from tests.agents import agent_of, run_pod
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.sockets import SECONDS, Socket
from workloads.runtimes.simulated import Inside, Simulated

pytestmark = pytest.mark.django_db(transaction=True)
WHERE = {"namespace": "shop", "pod": "web", "container": "app", "shell": "/bin/sh", "columns": "80", "rows": "24"}


async def test_a_foreign_origin_opens_no_shell(db: None) -> None:
    browser = await sync_to_async(signed_in)("acme", "alice")
    session = browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    socket = Socket("", session=session, origin="https://evil.example", at="/terminal/", query=urlencode(WHERE))
    assert not await socket.open()


def echo(inside: Inside) -> int:
    """A shell that says its first size and everything it is told; `exit` ends it with 3."""
    while data := inside.read():
        while not inside.sizes:  # it is said beside what is typed, and may come a moment later
            threading.Event().wait(0.005)
        columns, rows = inside.sizes[-1]
        inside.write(f"{columns}x{rows} ".encode() + data)
        if data == b"exit\r":
            return 3
    return 0


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Simulated]:
    made = Simulated(every_image=True)
    made.on_session("app", echo)
    with agent_of(made, settings):
        yield made


@pytest.fixture(autouse=True)
def running_pod(runtime: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigils, "ROUND_SECONDS", 0.02)
    scenes.namespace("shop")
    made = scenes.pod("web", status=scenes.running())
    made["spec"]["nodeName"] = "host-1"
    made = scenes.hand().update("Pod", "web", made, "shop").obj
    runtime.add_image(made["spec"]["containers"][0]["image"])
    run_pod(runtime, made)


@asynccontextmanager
async def terminal(account: str = "acme", name: str = "alice", **other: str) -> AsyncIterator[Socket]:
    browser = await sync_to_async(signed_in)(account, name)
    session = browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    socket = Socket("", session=session, at="/terminal/", query=urlencode({**WHERE, **other}))
    assert await socket.open()
    yield socket
    await socket.close()


async def said(socket: Socket) -> bytes:
    return bytes((await socket.output())["bytes"])


async def ended(socket: Socket) -> str:
    return str(orjson.loads((await socket.output())["text"])["ended"])


async def types(socket: Socket, text: bytes) -> None:
    await socket.wire.send_input({"type": "websocket.receive", "bytes": text})


async def typed_back(socket: Socket, text: bytes) -> bytes:
    await types(socket, text)
    return await said(socket)


async def test_what_is_typed_goes_to_the_shell_and_its_words_come_back() -> None:
    async with terminal() as socket:
        await types(socket, b"ls\r")
        assert await said(socket) == b"80x24 ls\r"


async def test_the_shell_learns_of_the_windows_new_size() -> None:
    async with terminal() as socket:
        await types(socket, b"a")
        await said(socket)
        await socket.wire.send_input({"type": "websocket.receive", "text": '{"columns": 132, "rows": 43}'})
        async with asyncio.timeout(SECONDS):
            while not (await typed_back(socket, b"b")).startswith(b"132x43"):
                pass


async def test_a_shell_that_ends_says_its_code() -> None:
    async with terminal() as socket:
        await types(socket, b"exit\r")
        await said(socket)
        assert await ended(socket) == "The shell ended with code 3."


async def test_nobody_from_elsewhere_gets_in() -> None:
    async with terminal("other", "charlie") as socket:
        assert "not found" in await ended(socket)
    outside = Socket("", at="/terminal/", query=urlencode(WHERE))
    assert await outside.open()
    assert (await outside.output())["code"] == terminals.SIGNED_OUT


async def test_who_may_only_read_is_told_the_right_that_is_missing() -> None:
    await sync_to_async(_bob)(policies.READ_ONLY)
    async with terminal(name="bob") as socket:
        assert "require cci:podexec:create" in await ended(socket)


async def test_a_terminal_ends_with_its_users_right() -> None:
    admin = await sync_to_async(_bob)(policies.FULL_ACCESS)
    async with terminal(name="bob") as socket:
        await types(socket, b"ls\r")
        await said(socket)
        await sync_to_async(people.detach)(admin, policies.FULL_ACCESS, user="bob")
        async with asyncio.timeout(SECONDS):
            assert "require" in await ended(socket)


async def test_a_container_that_is_not_there_is_named() -> None:
    async with terminal(container="nope") as socket:
        assert await ended(socket) == "Container nope is not valid for pod web."


@pytest.mark.parametrize("junk", ["", "[]", "{", '{"columns": -1, "rows": 2}', '{"columns": "٣", "rows": 1}', "7"])
async def test_what_is_no_size_changes_nothing(junk: str) -> None:
    async with terminal() as socket:
        await socket.wire.send_input({"type": "websocket.receive", "text": junk})
        await types(socket, b"ls\r")
        assert await said(socket) == b"80x24 ls\r"


async def test_who_pastes_more_than_the_shell_reads_is_told(
    runtime: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = threading.Event()
    runtime.on_session("app", lambda inside: int(deaf.wait(SECONDS)))
    monkeypatch.setattr(terminals, "MOST_WAITING", 100_000)
    async with terminal() as socket:
        for _ in range(100):
            await types(socket, b"x" * 16_000)
        assert await ended(socket) == "More was typed than the shell reads."
    deaf.set()


async def test_what_nobody_expected_is_said_and_not_left_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(terminals, "_target", broken)
    async with terminal() as socket:
        assert "Something went wrong" in await ended(socket)


async def test_opening_one_stands_in_the_audit_trail() -> None:
    async with terminal() as socket:
        await types(socket, b"ls\r")
        await said(socket)
    entry: Any = await sync_to_async(AuditEntry.objects.filter(account="acme", subresource="exec").last)()
    assert (entry.user, entry.door) == ("alice", "console")


def test_the_page_offers_running_containers(client: Any) -> None:
    page = signed_in("acme", "alice").get("/namespaces/shop/pods/web/terminal/").content.decode()
    assert 'data-controller="terminal"' in page
    assert "<option>app</option>" in page


def test_the_page_says_who_can_when_one_may_not() -> None:
    _bob(policies.READ_ONLY)
    page = signed_in("acme", "bob").get("/namespaces/shop/pods/web/terminal/").content.decode()
    assert "require cci:podexec:create" in page
    assert 'data-controller="terminal"' not in page


def _bob(policy: str) -> Identity:
    admin = identity_of(scenes.user())
    people.create_user(admin, "bob", password="long enough", policies=[policy])
    return admin
