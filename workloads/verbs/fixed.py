"""Kinds whose objects are the same in every account and lie in no store: read as rows, like the others. Nothing that a
watch would tell ever happens to them, so it is silent."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from workloads.kinds import nodes, registry
from workloads.kinds.base import Kind
from workloads.meta import wire
from workloads.meta.keys import Key, Uid
from workloads.store import changes, hosts, objects
from workloads.store.objects import Page, Row
from workloads.verbs import host

JSON = dict[str, Any]

REVISION = 1
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def row(kind: Kind, key: Key) -> Row:
    """Raises objects.Missing."""
    for one in _rows(kind, key.account):
        if one.key == key:
            return one
    raise objects.Missing(str(key))


def page(
    kind: Kind,
    account: str,
    *,
    name: str | None,
    after: tuple[str, str, str] | None,
    limit: int | None,
) -> Page:
    """As `objects.scan` would give them."""
    rows = [
        one
        for one in _rows(kind, account)
        if name in (None, one.key.name) and (after is None or (account, "", one.key.name) > after)
    ]
    shown = rows if limit is None else rows[:limit]
    return Page(shown, revision=changes.head(), remaining=len(rows) - len(shown))


def count(kind: Kind) -> int:
    return len(_written(kind))


def _rows(kind: Kind, account: str) -> list[Row]:
    return [
        Row(
            key=Key(account, kind.name, "", obj["metadata"]["name"]),
            uid=Uid(obj["metadata"]["uid"]),
            revision=REVISION,
            labels=obj["metadata"].get("labels") or {},
            owner_uid="",
            phase="",
            node="",
            created=_BEFORE_ALL,
            deleting=False,
            data=data,
        )
        for obj, data in _written(kind)
    ]


def _written(kind: Kind) -> list[tuple[JSON, bytes]]:
    """In order of their names."""
    return _nodes() if kind.is_told else _of_registry(kind.name)


@cache
def _of_registry(kind: str) -> list[tuple[JSON, bytes]]:
    objs = sorted(registry.kind(kind).fixed, key=lambda obj: str(obj["metadata"]["name"]))
    return [(obj, _bytes(obj)) for obj in objs]


def _nodes() -> list[tuple[JSON, bytes]]:
    """None before the agent has spoken for the first time."""
    said = hosts.get(hosts.NODE)
    if said is None:
        return []
    node = nodes.node(said, short_of_disk=host.trouble(), now=datetime.now(UTC))
    return [(node, _bytes(node))]


def _bytes(obj: JSON) -> bytes:
    return wire.stamp(wire.dump(obj), REVISION)
