"""A shell in a container, for the page's terminal:
`ws://…/terminal/?namespace=&pod=&container=&shell=&columns=&rows=`.

From the browser bytes are what was typed, text is the terminal's new size (`{"columns": 80, "rows": 24}`). To the
browser bytes are output; one text says how it ended (`{"ended": "…"}`), and the socket closes. Who loses the right or
the session is hung up on within seconds (`console.vigils`); who leaves takes the shell along.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import orjson
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import close_old_connections
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from console import vigils
from console.access import RENEW_SECONDS, open_visit, renew, still_signed_in
from console.live.languages import language_of
from iam.identities import identity_of
from iam.models import User
from workloads.client import Client, ExecOptions, Session, SessionTarget, open_session
from workloads.meta.errors import StatusError, Unauthorized

logger = logging.getLogger(__name__)

SHELLS = ("/bin/sh", "/bin/bash")
SIGNED_OUT = 4401
MOST_WAITING = 4 * 1024 * 1024
"""Bytes that were typed, or pasted, and that the shell has not taken yet."""
PIECE_BYTES = 64
"""What each piece counts for itself, however short it is."""
_LARGEST = 4096


class TerminalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        self.work: asyncio.Task[None] | None = None
        self.session: Session | None = None
        self.size: tuple[int, int] | None = None
        self.typed: asyncio.Queue[bytes] = asyncio.Queue()
        self.waiting = 0
        translation.activate(language_of(self.scope))
        self.renewal = time.monotonic() + RENEW_SECONDS
        await self.accept()
        if not isinstance(self.scope["user"], User):
            await self.close(SIGNED_OUT)
            return
        asked = parse_qs(self.scope["query_string"].decode())
        words = {name: asked.get(name, [""])[0] for name in ("namespace", "pod", "container", "shell")}
        self.size = _size({name: asked.get(name, [""])[0] for name in ("columns", "rows")})
        self.work = asyncio.create_task(self._guarded(self._run(words)))

    async def disconnect(self, code: int) -> None:
        if self.work is None:
            return
        self.work.cancel()
        with suppress(asyncio.CancelledError):
            await self.work

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Never waits for the shell, so that a browser that leaves is noticed while the shell does not read."""
        if bytes_data:
            self.typed.put_nowait(bytes_data)
            self.waiting += len(bytes_data) + PIECE_BYTES
            if self.waiting > MOST_WAITING and self.work is not None:
                self.work.cancel()
                await self._end(_("More was typed than the shell reads."))
        elif text_data and (size := _size(_object(text_data))) is not None:
            self.size = size
            await self._resize()

    async def _run(self, words: dict[str, str]) -> None:
        """The whole session. Raises StatusError when there can be none, or it must end."""
        request = _request(self.scope)
        target = await sync_to_async(_target)(request, words)
        self.session = await open_session(target)
        try:
            await self._resize()
            question = (request.session.session_key or "", words["namespace"], words["pod"], "exec")
            with vigils.over(question, partial(_refusal_now, request, words)) as ended:
                await self._carry(self.session, ended)
        finally:
            session, self.session = self.session, None
            await session.close()

    async def _carry(self, session: Session, ended: vigils.Ended) -> None:
        reading, writing = asyncio.ensure_future(self._read(session)), asyncio.ensure_future(self._write(session))
        try:
            await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ended.result()
            await reading
        finally:
            reading.cancel()
            writing.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
        await self._end(_ending(session))

    async def _read(self, session: Session) -> None:
        while (output := await session.read()) is not None:
            await self.send(bytes_data=output.data)

    async def _write(self, session: Session) -> None:
        while True:
            data = await self.typed.get()
            await session.write(data)
            if time.monotonic() >= self.renewal:
                self.renewal = time.monotonic() + RENEW_SECONDS
                await sync_to_async(renew)(self.scope["session"].session_key or "")
            self.waiting -= len(data) + PIECE_BYTES

    async def _resize(self) -> None:
        if self.session is not None and self.size is not None:
            await self.session.resize(columns=self.size[0], rows=self.size[1])

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Unauthorized:
            await self.close(SIGNED_OUT)
        except StatusError as refusal:
            await self._end(_spoken(refusal.message))
        except OSError:
            return  # the browser left
        except Exception:
            logger.exception("a terminal broke")
            await self._end(_("Something went wrong here; the log of the web process says what."))

    async def _end(self, sentence: str) -> None:
        with suppress(OSError):
            await self.send(text_data=orjson.dumps({"ended": sentence}).decode())
            await self.close()


def _target(request: HttpRequest, words: dict[str, str]) -> SessionTarget:
    close_old_connections()
    request.user = still_signed_in(request)
    visit = open_visit(request, namespace=words["namespace"])
    shell = words["shell"] if words["shell"] in SHELLS else SHELLS[0]
    options = ExecOptions((shell,), container=words["container"], stdin=True, tty=True)
    return visit.client.exec_target(words["namespace"], words["pod"], options)


def _refusal_now(request: HttpRequest, words: dict[str, str]) -> StatusError | None:
    close_old_connections()
    try:
        user = still_signed_in(request)
    except Unauthorized as refusal:
        return refusal
    return Client(identity_of(user)).refusal("create", "Pod", words["namespace"], name=words["pod"], part="exec")


def _request(scope: dict[str, Any]) -> HttpRequest:
    request = HttpRequest()
    request.method = "GET"
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    address = (scope.get("client") or ("",))[0]
    request.META = {"REMOTE_ADDR": address, "HTTP_USER_AGENT": headers.get("user-agent", "")}
    request.session = scope["session"]
    return request


def _ending(session: Session) -> str:
    ending = session.ending
    if ending is None or ending.error:
        return _spoken(ending.error if ending else "")
    return _("The shell ended with code %(code)s.") % {"code": ending.exit_code}


def _spoken(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}".rstrip(".") + "." if message else _("The session ended.")


def _object(text: str) -> dict[str, Any]:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _size(told: dict[str, Any]) -> tuple[int, int] | None:
    """Columns and rows; None for what is no size."""
    texts = [str(told.get(name, "")) for name in ("columns", "rows")]
    if not all(text.isascii() and text.isdecimal() and len(text) <= 4 for text in texts):
        return None
    columns, rows = map(int, texts)
    return (columns, rows) if 0 < columns <= _LARGEST and 0 < rows <= _LARGEST else None
