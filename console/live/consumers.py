"""One socket a page. It follows the log for what the page shows, and when something changed computes the page again and
sends the regions that came out differently.

    listen from the head of the log -> render, send everything -> wait for changes -> render, send what differs -> ...

A burst folds into one rendering; there are never more than `MOST_A_SECOND` of them, fewer when rendering takes long.
A slow tick corrects what no change announces (billing's own work, clocks). What the page shows was deleted: `gone`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import close_old_connections
from django.http import Http404, HttpRequest, QueryDict
from django.template.loader import get_template
from django.utils import translation
from django.utils.translation import gettext as _

from billing import client as billing
from console.access import still_signed_in
from console.live.languages import language_of
from console.live.regions import Regions
from console.pages import Place, place_of
from iam.identities import Identity, identity_of
from iam.models import User
from workloads import watch
from workloads.client import Client
from workloads.meta.errors import Expired, NotFound, StatusError, Unauthorized

logger = logging.getLogger(__name__)

MOST_A_SECOND = 8
CORRECTION_SECONDS = 10.0
SETTLING_SECONDS = 1.5
"""After a change, once more: by then billing has read it, too."""
SIGNED_OUT, NO_SUCH_PAGE = 4401, 4404


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`ws://…/live/?path=<the page's address>`. Messages are JSON: now, regions, gone.

    There is no channel layer: the log says everything, so the socket lives while Redis is away."""

    async def connect(self) -> None:
        self.work: asyncio.Task[None] | None = None
        translation.activate(language_of(self.scope))
        await self.accept()
        address = parse_qs(self.scope["query_string"].decode()).get("path", [""])[0]
        parts = urlsplit(address)
        try:
            place = place_of(unquote(parts.path))
        except Http404:
            place = None
        if not isinstance(self.scope["user"], User):
            await self.close(SIGNED_OUT)
        elif place is None:
            await self.close(NO_SUCH_PAGE)
        else:
            self.work = asyncio.create_task(self._run(Follower(self, place, _request(self.scope, parts))))

    async def disconnect(self, code: int) -> None:
        if self.work is None:
            return
        self.work.cancel()
        with suppress(asyncio.CancelledError):
            await self.work

    async def _run(self, follower: Follower) -> None:
        try:
            await follower.follow()
        except Unauthorized:
            await self.close(SIGNED_OUT)
        except OSError:
            logger.debug("the reader of %s left", follower.request.path)
        except Exception:
            logger.exception("the live page %s broke", follower.request.path)
            await self.close(1011)


class Follower:
    """Keeps one page true until it is cancelled."""

    def __init__(self, socket: LiveConsumer, place: Place, request: HttpRequest) -> None:
        self.socket = socket
        self.place = place
        self.request = request
        self.shown: Regions | None = None
        self.changed = asyncio.Event()
        self.settling = False

    async def follow(self) -> None:
        """Returns when what the page shows is gone. Raises Unauthorized when the session ended."""
        identity, head = await sync_to_async(_start)(self.request)
        listening = asyncio.create_task(self._listen(identity, head))
        try:
            while await self._send_what_differs():
                await self._wait()
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self, identity: Identity, since: int) -> None:
        """Rings `changed`. A reader that fell behind starts over from the head: the next rendering reads everything."""
        kinds, namespace = self.place.page.kinds, self.place.namespace or None
        while True:
            with suppress(Expired):
                async with aclosing(watch.follow(identity, kinds, since=since)) as events:
                    async for event in events:
                        if event.key is None or namespace is None or event.key.namespace in ("", namespace):
                            self.changed.set()
            self.changed.set()
            since = await sync_to_async(_head)(identity)

    async def _wait(self) -> None:
        """Until there is something to look at."""
        seconds = SETTLING_SECONDS if self.settling else CORRECTION_SECONDS
        try:
            await asyncio.wait_for(self.changed.wait(), seconds)
            self.settling = True
        except TimeoutError:
            self.settling = False
        self.changed.clear()

    async def _send_what_differs(self) -> bool:
        """False when the page's object is gone."""
        began = time.monotonic()
        message = await sync_to_async(self._message)()
        if message.get("regions") or message.get("gone") or self.shown is None:
            await self.socket.send(text_data=orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS).decode())
        took = time.monotonic() - began
        await asyncio.sleep(max(1 / MOST_A_SECOND, 2 * took))
        return "gone" not in message

    def _message(self) -> dict[str, Any]:
        close_old_connections()
        now = int(time.time() * 1000)
        try:
            fresh = self._render()
        except NotFound:
            return {"now": now, "gone": _gone()}
        except StatusError as refusal:
            if isinstance(refusal, Unauthorized):
                raise
            return {"now": now}
        before, self.shown = self.shown, fresh
        return {"now": now, "regions": fresh.changed_since(before or Regions())}

    def _render(self) -> Regions:
        self.request.user = still_signed_in(self.request)
        regions = Regions()
        with billing.one_price_list():
            context = {**self.place.render_context(self.request), "regions": regions}
            get_template(self.place.page.template).render(context, self.request)
        return regions


def _request(scope: dict[str, Any], parts: Any) -> HttpRequest:
    """The page's own request, as the browser made it, for the same view to read."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = unquote(parts.path)
    request.META = {"QUERY_STRING": parts.query, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request.GET = QueryDict(parts.query)
    request.COOKIES = dict(scope.get("cookies", {}))
    request.session = scope["session"]
    return request


def _start(request: HttpRequest) -> tuple[Identity, int]:
    user = still_signed_in(request)
    identity = identity_of(user)
    return identity, _head(identity)


def _head(identity: Identity) -> int:
    return Client(identity).revision()


def _gone() -> str:
    text = _("This has been deleted. What is shown here is how it was last.")
    return f'<div class="notice notice--warn" role="status">{text}</div>'
