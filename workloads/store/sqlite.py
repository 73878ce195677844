"""The store's writes on SQLite: one writer at a time, so the next revision is simply the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.utils import timezone

from iam import sql
from workloads.store.columns import time_in
from workloads.store.rows import Draft, Exists, Guard, Missing, Stale
from workloads.store.stamps import stamp
from workloads.store.writing import write


def insert(draft: Draft, guards: Iterable[Guard]) -> int:
    with write():
        for guard in guards:
            guard()
        revision = _next_revision()
        data = stamp(draft.data, revision)
        values = [*draft.key, draft.uid, time_in(draft.created), revision, *_facts(draft), data]
        if sql.execute(_INSERT, values) != 1:
            raise Exists(str(draft.key))
        _log(draft, revision=revision, type="ADDED", data=data, previous=None)
        return revision


def update(draft: Draft, expected_revision: int, guards: Iterable[Guard]) -> int:
    with write():
        for guard in guards:
            guard()
        previous = _expect(draft, expected_revision)
        revision = _next_revision()
        data = stamp(draft.data, revision)
        sql.execute(_UPDATE, [revision, *_facts(draft), data, *draft.key])
        _log(draft, revision=revision, type="MODIFIED", data=data, previous=previous)
        return revision


def remove(draft: Draft, expected_revision: int, guards: Iterable[Guard] = ()) -> int:
    with write():
        for guard in guards:
            guard()
        previous = _expect(draft, expected_revision)
        revision = _next_revision()
        sql.execute(f"DELETE FROM workloads_object WHERE {_KEY}", list(draft.key))  # noqa: S608
        data = stamp(draft.data, revision)
        _log(draft, revision=revision, type="DELETED", data=data, previous=previous)
        return revision


_KEY = "account = %s AND kind = %s AND namespace = %s AND name = %s"
_INSERT = """
    INSERT INTO workloads_object
        (account, kind, namespace, name, uid, created, revision, labels, owner_uid, phase, node, deleting,
        health, owner_kind, images, data)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING"""
_UPDATE = f"""
    UPDATE workloads_object
    SET revision = %s, labels = %s, owner_uid = %s, phase = %s, node = %s, deleting = %s, health = %s,
        owner_kind = %s, images = %s, data = %s
    WHERE {_KEY}"""  # noqa: S608
_LOG = """
    INSERT INTO workloads_change (revision, account, kind, namespace, name, uid, type, data, previous, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""


def _facts(draft: Draft) -> list[Any]:
    labels = orjson.dumps(dict(draft.labels)).decode()
    place = [draft.owner_uid, draft.phase, draft.node, draft.deleting]
    return [labels, *place, draft.health, draft.owner_kind, draft.images]


def _expect(draft: Draft, revision: int) -> bytes:
    """The stored bytes, if they are still those of `revision`."""
    found = sql.select(f"SELECT revision, data FROM workloads_object WHERE {_KEY}", draft.key)  # noqa: S608
    if not found:
        raise Missing(str(draft.key))
    [(at, data)] = found
    if at != revision:
        raise Stale(f"{draft.key} is at {at}, not at {revision}")
    return bytes(data)


def _next_revision() -> int:
    """AUTOINCREMENT's own counter: it never goes back, even when the log is trimmed."""
    found = sql.select("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'workloads_change'")
    return int(found[0][0]) if found else 1


def _log(draft: Draft, *, revision: int, type: str, data: bytes, previous: bytes | None) -> None:
    at = time_in(timezone.now())
    sql.execute(_LOG, [revision, *draft.key, draft.uid, type, data, previous, at])
