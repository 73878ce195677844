"""Watch: what there is, where that was asked for, then every change, until the caller or the clock ends it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import partial

from iam.identities import MASTERS, Identity
from workloads import watch
from workloads.admission import authorize
from workloads.client import Client, Freshness
from workloads.kinds.base import Kind
from workloads.kubeapi import listoptions
from workloads.kubeapi.authentication import Caller
from workloads.kubeapi.exchange import Outlet, Query
from workloads.kubeapi.threads import in_thread
from workloads.kubeapi.views import EventWriter
from workloads.meta import selectors
from workloads.meta.errors import BadRequest, StatusError
from workloads.verbs import reads
from workloads.watch import WatchEvent

SHORTEST_DEFAULT = 30 * 60
"""Seconds a watch lasts when none were asked for: this to twice this, so that not all come back at once."""


STALLED_SECONDS = 60.0
"""A watcher that has taken nothing of what was sent for so long is hung up on."""


@dataclass(frozen=True)
class Order:
    """What kind of watch was asked for."""

    since: int | None
    """None: begin with what there is, as fresh as `beginning` says."""
    beginning: Freshness
    from_now: bool
    """Tell nothing of what there is."""
    initial_events: bool
    """End the beginning with a marked bookmark."""
    bookmarks: bool
    timeout: float


def order(query: Query) -> Order:
    """Raises BadRequest, Invalid."""
    listoptions.check_watch(query)
    since, initial = query.revision("resourceVersion"), query.flag("sendInitialEvents")
    return Order(
        since=None if initial or not since else since,
        beginning=Freshness(at_least=since),
        from_now="sendInitialEvents" in query and not initial and not since,
        initial_events=initial,
        bookmarks=query.flag("allowWatchBookmarks"),
        timeout=query.number("timeoutSeconds") or SHORTEST_DEFAULT * random.uniform(1, 2),  # noqa: S311
    )


def check(identity: Identity, kind: Kind, *, namespace: str | None, label_selector: str, field_selector: str) -> None:
    """What must be refused before a stream begins. Raises Forbidden, BadRequest."""
    name = reads.named(kind, field_selector)
    authorize.check(identity, kind, "watch", namespace=namespace, name=name)
    try:
        selectors.parse(label_selector)
        selectors.parse_fields(field_selector, ("metadata.name", "metadata.namespace", *kind.field_selectors))
    except selectors.SelectorError as error:
        raise BadRequest(str(error)) from None


async def events(
    caller: Caller,
    writer: EventWriter,
    order: Order,
    outlet: Outlet,
    *,
    kind: Kind,
    namespace: str | None,
    label_selector: str,
    field_selector: str,
) -> AsyncIterator[bytes]:
    """The stream's lines. An error in the middle is an ERROR event, the last one: clients list again after a 410. A
    watch of all namespaces ends at the first change in one that has come since and is not for the watcher."""
    client, since = Client(caller.identity, from_memory=True), order.since
    spans = kind.namespaced and namespace is None and MASTERS not in caller.identity.groups
    try:
        if order.from_now:
            since = await in_thread(client.revision)
        elif since is None:
            asked = partial(client.list_rows, label_selector=label_selector, field_selector=field_selector)
            found = await in_thread(partial(asked, kind.name, namespace, fresh=order.beginning))
            since = found.revision
            for lines in writer.listed(row.data for row in found.rows):
                yield lines
            del found
            if order.initial_events and order.bookmarks:
                yield writer.bookmark(since, initial_events_end=True)
        batches = watch.follow_many(
            caller.identity,
            (kind.name,),
            since=since,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=order.bookmarks,
            timeout=max(0.0, min(order.timeout, caller.seconds_left())),
            at_once=None if spans else lambda event: outlet.takes(writer.change(event)),
        )
        async with contextlib.aclosing(batches):
            async for events in batches:
                if spans:
                    _check_places(caller.identity, kind, field_selector, events)
                yield writer.change(events[0]) if len(events) == 1 else b"".join(map(writer.change, events))
    except StatusError as error:
        yield writer.error(error.body())


def _check_places(identity: Identity, kind: Kind, field_selector: str, events: Collection[WatchEvent]) -> None:
    """Raises Forbidden."""
    for namespace in {event.key.namespace for event in events if event.key is not None}:
        authorize.check(identity, kind, "watch", namespace=namespace, name=reads.named(kind, field_selector))
