"""A followed log ends with its reader's right, lock or session, and goes on for the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from console import vigils
from console.views import logs
from iam import people, policies
from iam.identities import Identity, identity_of
from tests.console import scenes
from tests.console.conftest import signed_in
from workloads.client import LogTarget

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 10


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigils, "ROUND_SECONDS", 0.02)
    monkeypatch.setattr(logs, "open_at_agent", _a_log_without_end)
    monkeypatch.setattr(logs, "target_of", lambda request, namespace, name: LogTarget("", "", {}, {}))


async def _a_log_without_end(target: LogTarget) -> tuple[httpx.AsyncClient, httpx.Response]:
    async def lines() -> AsyncIterator[bytes]:
        yield b"one\n"
        await asyncio.Event().wait()

    return httpx.AsyncClient(), httpx.Response(200, content=lines())


@pytest.fixture
def admin(shop: None) -> Identity:
    admin = identity_of(scenes.user())
    people.create_user(admin, "bob", password="long enough", policies=[policies.READ_ONLY])
    return admin


@asynccontextmanager
async def reading(name: str) -> AsyncIterator[AsyncIterator[bytes]]:
    browser = await sync_to_async(signed_in)("acme", name)
    request = RequestFactory().get("/", {"follow": "true"})
    request.session = SessionStore(browser.cookies[settings.SESSION_COOKIE_NAME].value)
    answer = await logs.stream(request, namespace="shop", name="lonely")
    body = aiter(answer)  # type: ignore[call-overload]
    assert await anext(body) == b"one\n"
    yield body
    await answer._iterator.aclose()  # what the server does when the reader leaves


@pytest.mark.parametrize(
    "lose",
    [
        lambda admin: people.detach(admin, policies.READ_ONLY, user="bob"),
        lambda admin: people.set_active(admin, "bob", active=False),
        lambda admin: people.set_password(admin, "bob", password="another one"),
        lambda admin: people.delete_user(admin, "bob"),
    ],
    ids=["right", "lock", "password", "user"],
)
async def test_a_followed_log_ends_with_the_readers_right(admin: Identity, lose: Callable[[Identity], object]) -> None:
    async with reading("bob") as bobs, reading("alice") as alices:
        await sync_to_async(lose)(admin)
        async with asyncio.timeout(SECONDS):
            assert [chunk async for chunk in bobs] == []
        going_on = asyncio.ensure_future(anext(alices))
        assert not (await asyncio.wait((going_on,), timeout=0.1))[0]
        going_on.cancel()
        with suppress(asyncio.CancelledError):
            await going_on


async def test_a_database_that_is_away_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise OSError("no database")

    with vigils.over(("x",), away) as ended:
        await asyncio.sleep(0.1)
        assert not ended.done()
    assert "cannot be asked" in caplog.text
