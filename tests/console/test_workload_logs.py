"""One log of all pods of a workload: the tab, and the text that it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client as Browser
from django.test import RequestFactory

from console.views import logs, workload_logs
from tests.console import scenes
from tests.console.conftest import signed_in
from workloads.client import LogTarget

PAGE = "/namespaces/shop/deployments/web/logs/"


def test_the_tab_names_its_stream_in_the_frame_of_its_kind(shop: None, browser: Browser) -> None:
    page = browser.get(PAGE).content.decode()
    assert f'data-log-url-value="{PAGE}stream/?container=&amp;follow=true"' in page
    assert 'data-log-merged-value="true"' in page
    assert 'aria-current="page">Logs</a>' in page


@pytest.mark.django_db(transaction=True)
async def test_every_line_says_whose_it_is(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def agent(target: LogTarget) -> tuple[httpx.AsyncClient, httpx.Response]:
        async def lines() -> AsyncIterator[bytes]:
            yield b"2026-11-27T10:00:00.5Z hello\n"

        return httpx.AsyncClient(), httpx.Response(200, content=lines())

    monkeypatch.setattr(logs, "open_at_agent", agent)
    await sync_to_async(scenes.person)()
    browser = await sync_to_async(signed_in)("acme", "alice")
    request = RequestFactory().get("/", {"download": "1"})
    request.session = SessionStore(browser.cookies[settings.SESSION_COOKIE_NAME].value)
    request.user = await sync_to_async(scenes.user)()
    answer = await workload_logs.stream(request, kind="Deployment", namespace="shop", name="web")
    text = b"".join([chunk async for chunk in answer]).decode()  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == 'attachment; filename="web.log"'
    assert all(line.split()[1].startswith("web-0001-") and line.endswith("/app hello") for line in text.splitlines())
