"""One socket a page. It follows the log for what the page shows, and when something changed computes the page again and
sends the regions that came out differently.

    listen from the head of the log -> render, send everything -> wait for changes -> render, send what differs -> ...

The first change after a quiet time is looked at at once, a burst folds into one rendering, and what goes on and on is
looked at at a pace (`pace`). What a change alone can show anew (a row, the newest events) is sent first, without the
page around it (`quick`); the whole follows within a second or, where that is dear, a few. A slow tick corrects what no
change announces (billing's own work, clocks). What the page shows was deleted: `gone`.
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
from console.live.pace import Plan
from console.live.quick import Change
from console.live.regions import Regions, Sent
from console.pages import Context, Place, place_of
from iam.identities import Identity, identity_of
from iam.models import User
from workloads import watch
from workloads.client import Client
from workloads.meta.errors import Expired, NotFound, StatusError, Unauthorized
from workloads.meta.keys import Key
from workloads.watch import WatchEvent

logger = logging.getLogger(__name__)

MOST_CHANGES = 500
"""Changes that are looked at one by one; of more the whole page is computed."""
SIGNED_OUT, NO_SUCH_PAGE = 4401, 4404


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`ws://…/live/?path=<the page's address>`. Messages are JSON: now, regions, gone. A page that heard nothing for a
    while asks whether the socket still lives, by any text, and is told the time.

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

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=orjson.dumps({"now": int(time.time() * 1000)}).decode())

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
        self.context: Context = {}
        """What the page was rendered with."""
        self.changes: list[Change] = []
        """Heard, and not looked at yet."""
        self.stirred = False
        """Whether anything was heard since the whole page was looked at."""
        self.bell = asyncio.Event()
        self.plan = Plan()

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
        """A reader that fell behind starts over from the head: the next rendering reads everything."""
        kinds, namespace = self.place.page.kinds, self.place.namespace or None
        while True:
            with suppress(Expired):
                async with aclosing(watch.follow(identity, kinds, since=since)) as events:
                    async for event in events:
                        if event.key is not None and (namespace is None or event.key.namespace in ("", namespace)):
                            self._hear(event, event.key)
            self._hear_all()
            since = await sync_to_async(_head)(identity)

    def _hear(self, event: WatchEvent, key: Key) -> None:
        if self.place.page.quick is None or len(self.changes) >= MOST_CHANGES:
            self._hear_all()
            return
        self.changes.append(Change(event.type, key.kind, key.namespace, key.name, event.revision, event.data))
        self.stirred = True
        self.bell.set()

    def _hear_all(self) -> None:
        self.stirred = True
        self.plan.whole_now()
        self.bell.set()

    async def _wait(self) -> None:
        """Until there is something to look at: changes, or the page as a whole."""
        while (pause := self.plan.pause(is_quick=bool(self.changes))) > 0:
            if self.changes:
                await asyncio.sleep(pause)  # what comes meanwhile is shown together
                continue
            self.bell.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.bell.wait(), pause)

    async def _send_what_differs(self) -> bool:
        """False when the page's object is gone."""
        is_first = self.shown is None
        changes, self.changes = self.changes, []
        message = await sync_to_async(self._message)(changes)
        if message.get("regions") or message.get("gone") or is_first:
            await self.socket.send(text_data=orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS).decode())
        return "gone" not in message

    def _message(self, changes: list[Change]) -> dict[str, Any]:
        close_old_connections()
        now = int(time.time() * 1000)
        try:
            regions = dict[str, Sent]()
            if self.shown is not None and not self.plan.is_whole_due:
                regions = self._look_quickly(self.shown, changes)
            if self.shown is None or (not regions and self.plan.is_whole_due):
                regions = self._look()
            return {"now": now, "regions": regions}
        except NotFound:
            return {"now": now, "gone": _gone()}
        except StatusError as refusal:
            if isinstance(refusal, Unauthorized):
                raise
            return {"now": now}

    def _look(self) -> dict[str, Sent]:
        """At the whole page."""
        began, was_stirred, self.stirred = time.monotonic(), self.stirred, False
        self.plan.look_whole()
        try:
            self.request.user = still_signed_in(self.request)
            before, fresh = self.shown or Regions(), Regions()
            with billing.one_price_list():
                self.context = {**self.place.render_context(self.request), "regions": fresh}
                get_template(self.place.page.template).render(self.context, self.request)
            self.shown = fresh
            return fresh.changed_since(before)
        finally:
            self.plan.looked_whole(time.monotonic() - began, was_stirred=was_stirred)

    def _look_quickly(self, shown: Regions, changes: list[Change]) -> dict[str, Sent]:
        """At what the changes alone tell. Where only the whole page says what they mean, that is due."""
        quick, began, part = self.place.page.quick, time.monotonic(), Regions()
        self.request.user = still_signed_in(self.request)
        if quick is None or not changes:
            return {}
        with billing.one_price_list():
            found = quick(self.place.visit(self.request), self.context, changes)
            for one in found.fragments:
                context = {**self.context, **one.context, "regions": part}
                get_template(one.template).render(context, self.request)
        self.plan.looked_quickly(time.monotonic() - began, whole=found.whole)
        return shown.take(part)


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
