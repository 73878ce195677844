"""A browser's WebSocket, spoken to the console's ASGI application directly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import orjson
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings

from console.asgi import application
from tests.console.conftest import signed_in

JSON = dict[str, Any]
SECONDS = 10


def text_of(said: str | dict[str, str]) -> str:
    """Of a region, or of cells of a row."""
    return said if isinstance(said, str) else " ".join(said.values())


class Socket:
    def __init__(
        self,
        path: str,
        *,
        session: str = "",
        origin: str = "http://localhost",
        at: str = "/live/",
        query: str = "",
        language: str = "en",
    ) -> None:
        cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.LANGUAGE_COOKIE_NAME}={language}"
        cookie = [(b"cookie", cookies.encode())] if session else []
        self.wire: Any = ApplicationCommunicator(  # type: ignore[no-untyped-call]
            application,
            {
                "type": "websocket",
                "path": at,
                "query_string": (query or f"path={quote(path)}").encode(),
                "headers": [(b"host", b"localhost"), (b"origin", origin.encode()), *cookie],
                "subprotocols": [],
            },
        )

    async def open(self) -> bool:
        await self.wire.send_input({"type": "websocket.connect"})
        return bool((await self.output())["type"] == "websocket.accept")

    async def output(self) -> JSON:
        answer: JSON = await self.wire.receive_output(timeout=SECONDS)
        return answer

    async def message(self) -> JSON:
        parsed: JSON = orjson.loads((await self.output())["text"])
        return parsed

    async def regions_with(self, words: str) -> dict[str, Any]:
        """The regions of the first message in which `words` stand."""
        async with asyncio.timeout(SECONDS):
            while True:
                regions: dict[str, Any] = (await self.message()).get("regions", {})
                if any(words in text_of(said) for said in regions.values()):
                    return regions

    async def regions_without(self, words: str, name: str) -> dict[str, str]:
        """The regions of the first message in which `words` do not stand any more in the region `name`."""
        async with asyncio.timeout(SECONDS):
            while True:
                regions: dict[str, str] = (await self.message()).get("regions", {})
                if words not in regions.get(name, words):
                    return regions

    async def is_silent(self, *, seconds: float) -> bool:
        return bool(await self.wire.receive_nothing(timeout=seconds))

    async def close(self) -> None:
        await self.wire.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wire.wait(timeout=SECONDS)


@asynccontextmanager
async def following(
    path: str, *, account: str = "acme", name: str = "alice", language: str = "en"
) -> AsyncIterator[Socket]:
    browser = await sync_to_async(signed_in)(account, name)
    socket = Socket(path, session=browser.cookies[settings.SESSION_COOKIE_NAME].value, language=language)
    assert await socket.open()
    yield socket
    await socket.close()
