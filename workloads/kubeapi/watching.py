"""Watch: what there is, where that was asked for, then every change, until the caller or the clock ends it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from iam.identities import Identity
from workloads import watch
from workloads.admission import authorize
from workloads.client import Client, Rows
from workloads.kinds.base import Kind
from workloads.kubeapi.authentication import Caller
from workloads.kubeapi.exchange import Query
from workloads.kubeapi.threads import in_thread
from workloads.kubeapi.views import EventWriter
from workloads.meta import selectors
from workloads.meta.errors import BadRequest, StatusError

SHORTEST_DEFAULT = 30 * 60
"""Seconds a watch lasts when none were asked for: this to twice this, so that not all come back at once."""


@dataclass(frozen=True)
class Order:
    """What kind of watch was asked for."""

    since: int
    """0: begin with what there is."""
    initial_events: bool
    """End the beginning with a marked bookmark."""
    bookmarks: bool
    timeout: float


def order(query: Query) -> Order:
    """Raises BadRequest."""
    since = query.number("resourceVersion")
    initial = query.flag("sendInitialEvents")
    match = query.one_of("resourceVersionMatch", ("", "NotOlderThan"), default="")
    if initial and not match:
        raise BadRequest("sendInitialEvents needs resourceVersionMatch=NotOlderThan")
    if match and "sendInitialEvents" not in query:
        raise BadRequest("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    return Order(
        since=0 if initial else since or 0,
        initial_events=initial,
        bookmarks=query.flag("allowWatchBookmarks"),
        timeout=query.number("timeoutSeconds") or SHORTEST_DEFAULT * random.uniform(1, 2),  # noqa: S311
    )


def check(identity: Identity, kind: Kind, *, label_selector: str, field_selector: str) -> None:
    """What must be refused before a stream begins. Raises Forbidden, BadRequest."""
    authorize.check(identity, kind, "list")
    try:
        selectors.parse(label_selector)
        selectors.parse_fields(field_selector, ("metadata.name", "metadata.namespace", *kind.field_selectors))
    except selectors.SelectorError as error:
        raise BadRequest(str(error)) from None


async def events(
    caller: Caller,
    writer: EventWriter,
    order: Order,
    *,
    kind: Kind,
    namespace: str | None,
    label_selector: str,
    field_selector: str,
) -> AsyncIterator[bytes]:
    """The stream's lines. An error in the middle is an ERROR event, the last one: clients list again after a 410."""
    identity, since = caller.identity, order.since
    try:
        if not since:
            found = await in_thread(lambda: _listed(identity, kind, namespace, label_selector, field_selector))
            since = found.revision
            for line in _beginning(writer, found, order):
                yield line
        changes = watch.follow(
            identity,
            (kind.name,),
            since=since,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=order.bookmarks,
            timeout=max(0.0, min(order.timeout, caller.seconds_left())),
        )
        async with contextlib.aclosing(changes):
            async for change in changes:
                if change.type == "BOOKMARK":
                    yield writer.bookmark(change.revision)
                else:
                    yield writer.change(change.type, change.data)
    except StatusError as error:
        yield writer.error(error.body())


def _listed(identity: Identity, kind: Kind, namespace: str | None, labels: str, fields: str) -> Rows:
    return Client(identity).list_rows(kind.name, namespace, label_selector=labels, field_selector=fields)


def _beginning(writer: EventWriter, found: Rows, order: Order) -> Iterator[bytes]:
    for row in found.rows:
        yield writer.change("ADDED", row.data)
    if order.initial_events and order.bookmarks:
        yield writer.bookmark(found.revision, initial_events_end=True)
