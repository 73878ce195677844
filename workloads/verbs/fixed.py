"""Kinds whose objects are the same in every account and lie in no store: read as rows, like the others. Nothing ever
happens to them, so a watch of them is silent."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import wire
from workloads.meta.keys import Key, Uid
from workloads.store import changes, objects
from workloads.store.objects import Page, Row

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


def _rows(kind: Kind, account: str) -> list[Row]:
    return [
        Row(
            key=Key(account, kind.name, "", name),
            uid=uid,
            revision=REVISION,
            labels={},
            owner_uid="",
            phase="",
            node="",
            created=_BEFORE_ALL,
            deleting=False,
            data=data,
        )
        for name, uid, data in _written(kind.name)
    ]


@cache
def _written(kind: str) -> list[tuple[str, Uid, bytes]]:
    """In order of their names."""
    fixed = sorted(registry.kind(kind).fixed, key=lambda obj: str(obj["metadata"]["name"]))
    return [
        (obj["metadata"]["name"], Uid(obj["metadata"]["uid"]), wire.stamp(wire.dump(obj), REVISION)) for obj in fixed
    ]
