"""Rows in, rows out, one object a transaction; every write appends its change to the log in that transaction.

`data` goes in without a resourceVersion that matters and always comes out with the right one: the first key of
`metadata` is `resourceVersion`, and the store sets it to the revision as it writes (see `stamps`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from django.db import connection, transaction

from iam import sql
from workloads.meta.keys import Key, Uid
from workloads.store import doorbell, postgresql, sqlite
from workloads.store.columns import bytes_out, time_out
from workloads.store.rows import Draft, Exists, Guard, Missing, Row, Stale
from workloads.store.sieves import Sieve
from workloads.store.stamps import stamp

__all__ = ["Draft", "Exists", "Guard", "Missing", "Page", "Row", "Stale"]
__all__ += ["Brief", "briefs", "count", "insert", "is_deleting", "is_placed", "places", "read", "read_uid", "read_uids"]
__all__ += ["owned", "remove", "scan", "several", "tally", "those", "uids", "update", "weight"]


class Joined:
    """The bytes of rows, one behind the other with commas between: put together once, however often they are asked
    for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._text: bytes | None = None

    @property
    def text(self) -> bytes:
        if self._text is None:
            self._text = b",".join([row.data for row in self._rows])
        return self._text


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    """Not to be changed: the same list may be given again."""
    revision: int
    """The head of the log at the instant of the list: watch from here."""
    remaining: int
    joined: Joined | None = None
    """Of all rows, where the same page is likely to be asked for again."""


@dataclass(frozen=True)
class Brief:
    """A row without its object, for whoever looks at thousands."""

    key: Key
    uid: Uid
    revision: int
    created: datetime
    deleting: bool


def insert(draft: Draft, *, guards: Iterable[Guard] = ()) -> Row:
    """Raises Exists."""
    return _written(draft, _dialect().insert(draft, tuple(guards)))


def update(draft: Draft, *, expected_revision: int, guards: Iterable[Guard] = ()) -> Row:
    """Compare and set; uid and creation time stay as they were stored. Raises Stale or Missing."""
    return _written(draft, _dialect().update(draft, expected_revision, tuple(guards)))


def remove(draft: Draft, *, expected_revision: int, guards: Iterable[Guard] = ()) -> int:
    """Takes the row away and logs DELETED with `draft.data` as the last state. Returns the revision.
    Raises Stale or Missing."""
    revision = _dialect().remove(draft, expected_revision, tuple(guards))
    transaction.on_commit(doorbell.ring)
    return revision


def read(key: Key) -> Row:
    """Raises Missing."""
    found = several([key])
    if not found:
        raise Missing(str(key))
    return found[0]


def several(keys: Sequence[Key], *, all_of: Sequence[tuple[str, str, str]] = ()) -> list[Row]:
    """Those of `keys` that are there, and all that an (account, kind, namespace) of `all_of` has: of one instant, in
    one question, in no order."""
    parts: list[str] = []
    values: list[str] = []
    for place in (*keys, *all_of):
        if not any("\0" in text for text in place):  # no text of ours has one, and PostgreSQL will not even be asked
            parts.append(_BY_KEY if len(place) == len(Key._fields) else _BY_PLACE)
            values += place
    return [_row(columns) for columns in sql.select(" UNION ALL ".join(parts), values)] if parts else []


def is_deleting(key: Key) -> bool:
    """Of an object whose key was read before. Raises Missing."""
    found = sql.select(_DELETING, key)
    if not found:
        raise Missing(str(key))
    return bool(found[0][0])


def read_uid(uid: str) -> Row:
    """Raises Missing."""
    return _one("uid = %s", [uid], asked=uid)


def read_uids(uids: Collection[str]) -> list[Row]:
    """Those that are there, in no order."""
    asked, found = list(uids), list[Row]()
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        where = f"uid IN ({', '.join(['%s'] * len(some))})"
        found += map(_row, sql.select(f"SELECT {_COLUMNS} FROM workloads_object WHERE {where}", some))  # noqa: S608
    return found


def owned(kind: str, owner_uids: Collection[str], *, account: str, each: int | None = None) -> list[Row]:
    """What these own of one kind, `each` of them at most so many: by name, of one it is any. In no order."""
    some = "" if each is None else f"ORDER BY {'id' if each == 1 else 'namespace, name'} LIMIT {int(each)}"
    one = f"SELECT id FROM workloads_object WHERE owner_uid = %s AND kind = %s AND account = %s {some}"  # noqa: S608
    whole = f"SELECT {_COLUMNS} FROM workloads_object WHERE id IN ({one})"  # noqa: S608
    asked, found = [uid for uid in owner_uids if uid], list[Row]()
    for start in range(0, len(asked), _OWNERS_AT_ONCE):
        values = [value for uid in asked[start : start + _OWNERS_AT_ONCE] for value in (uid, kind, account)]
        found += map(_row, sql.select(" UNION ALL ".join([whole] * (len(values) // 3)), values))
    return found


def uids(kind: str, *, phases: Collection[str], placed: bool) -> list[Uid]:
    """Of all accounts, in the order they were made: those in one of the phases that have a node, or have none."""
    return [uid for (uid,) in _in_phases("uid", kind, phases, placed)]


def briefs(kind: str, *, phases: Collection[str], placed: bool, containing: Sequence[bytes] = ()) -> list[Brief]:
    """The same with a little more of each; `containing` as in `scan`."""
    columns = "account, kind, namespace, name, uid, revision, created, deleting"
    return [
        Brief(Key(*key), Uid(uid), revision, time_out(created), deleting=bool(deleting))
        for *key, uid, revision, created, deleting in _in_phases(columns, kind, phases, placed, containing)
    ]


def places(kind: str) -> set[str]:
    """What stands in the column `node` of this kind's objects, over all accounts; "" left out."""
    found = sql.select("SELECT node FROM workloads_object WHERE kind = %s AND node <> ''", [kind])
    return {place for (place,) in found}


def is_placed(kind: str, place: str, *, but: str) -> bool:
    """Whether another object of this kind than the one with the uid `but` has the place, in any account."""
    asked = "SELECT 1 FROM workloads_object WHERE kind = %s AND node = %s AND uid <> %s LIMIT 1"
    return bool(sql.select(asked, [kind, place, but]))


def scan(
    kind: str,
    *,
    account: str | None = None,
    namespace: str | None = None,
    name: str | None = None,
    owner_uid: str | None = None,
    phase: str | None = None,
    deleting: bool | None = None,
    containing: Sequence[bytes] = (),
    sieve: Sieve | None = None,
    after: tuple[str, str, str] | None = None,
    limit: int | None = None,
) -> Page:
    """In order of (account, namespace, name). `account=None` spans all accounts: for controllers and the meter only.
    `containing` leaves rows out whose `data` lacks one of these, before they are loaded: a sieve for what few rows
    have, not a test (the same bytes may stand elsewhere in an object). `after` is the (account, namespace, name) to
    continue behind. Of what a `sieve` has chosen it is not counted how much remains: 1 is some."""
    asked: dict[str, Any] = {"kind": kind, "account": account, "namespace": namespace, "name": name}
    asked |= {"owner_uid": owner_uid, "phase": phase, "deleting": deleting}
    where, values = _conditions(asked, after)
    where, values = _sieved(where, values, containing)
    if sieve:
        terms, more = sieve.terms
        where, values = " AND ".join([where, *terms]), [*values, *more]
        if limit is not None:
            return _sifted(where, values, limit)
        where = f"id IN (SELECT id FROM workloads_object WHERE {where})"  # noqa: S608
    while True:
        page = _page(where, values, limit) or _empty_page(where, values)
        if page is not None:
            return page


def those(kind: str, *, account: str, namespace: str) -> list[Row]:
    """A namespace's, as `scan` gives them, without the revision they are of: always one question."""
    where, values = _conditions({"kind": kind, "account": account, "namespace": namespace}, None)
    asked = f"SELECT {_COLUMNS} FROM workloads_object WHERE {where} ORDER BY name"  # noqa: S608
    return [_row(columns) for columns in sql.select(asked, values)]


def count(kind: str, *, account: str | None = None, namespace: str | None = None) -> int:
    where, values = _conditions({"kind": kind, "account": account, "namespace": namespace}, None)
    return int(sql.select(f"SELECT count(*) FROM workloads_object WHERE {where}", values)[0][0])  # noqa: S608


def tally(account: str) -> tuple[int, dict[tuple[str, str], int]]:
    """How many objects of each (kind, namespace) an account has, and the head of the log at that instant."""
    found = sql.select(_TALLY, [account])
    if not found:
        return 0, {}
    return found[0][0], {(kind, namespace): number for _head, kind, namespace, number in found}


def images(account: str) -> Iterator[tuple[str, str, str, int]]:
    """How many pods of an account name the same images: (images, namespace, phase, pods), from the index
    `object_images` alone."""
    return iter(sql.select(_IMAGES, [account]))


def owner_uids(kind: str, *, account: str, namespace: str | None = None) -> set[tuple[str, Uid]]:
    """(namespace, uid) of what objects of this kind name as their controlling owner, whether it is there or not."""
    where, values = _conditions({"kind": kind, "account": account, "namespace": namespace}, None)
    asked = f"SELECT DISTINCT namespace, owner_uid FROM workloads_object WHERE {where} AND owner_uid <> ''"  # noqa: S608
    return {(place, Uid(uid)) for place, uid in sql.select(asked, values)}


def weight(kind: str, *, account: str) -> int:
    """Bytes of all objects' JSON together, told without reading it."""
    where, values = _conditions({"kind": kind, "account": account}, None)
    return int(sql.select(f"SELECT coalesce(sum(length(data)), 0) FROM workloads_object WHERE {where}", values)[0][0])  # noqa: S608


class Dialect(Protocol):
    """The three writes, in the words of one database. Each returns the revision it took."""

    def insert(self, draft: Draft, guards: tuple[Guard, ...], /) -> int: ...

    def update(self, draft: Draft, expected_revision: int, guards: tuple[Guard, ...], /) -> int: ...

    def remove(self, draft: Draft, expected_revision: int, guards: tuple[Guard, ...], /) -> int: ...


def _dialect() -> Dialect:
    return sqlite if connection.vendor == "sqlite" else postgresql


def _written(draft: Draft, revision: int) -> Row:
    transaction.on_commit(doorbell.ring)
    return Row(
        key=draft.key,
        uid=draft.uid,
        revision=revision,
        labels=draft.labels,
        owner_uid=draft.owner_uid,
        phase=draft.phase,
        node=draft.node,
        created=draft.created,
        deleting=draft.deleting,
        data=stamp(draft.data, revision),
    )


_AT_ONCE = 500
_OWNERS_AT_ONCE = 100
_COLUMNS = "account, kind, namespace, name, uid, revision, labels, owner_uid, phase, node, created, deleting, data"
_BY_PLACE = f"SELECT {_COLUMNS} FROM workloads_object WHERE account = %s AND kind = %s AND namespace = %s"  # noqa: S608
_BY_KEY = f"{_BY_PLACE} AND name = %s"
_DELETING = "SELECT deleting FROM workloads_object WHERE account = %s AND kind = %s AND namespace = %s AND name = %s"
_HEAD = "(SELECT coalesce(max(revision), 0) FROM workloads_change)"
_IMAGES = """
    SELECT images, namespace, phase, count(*) FROM workloads_object
    WHERE account = %s AND NOT (images = '') GROUP BY images, namespace, phase"""
_TALLY = f"""
    SELECT {_HEAD}, kind, namespace, count(*) FROM workloads_object WHERE account = %s GROUP BY kind, namespace"""  # noqa: S608


def _in_phases(
    columns: str, kind: str, phases: Collection[str], placed: bool, containing: Sequence[bytes] = ()
) -> list[Any]:
    where = f"kind = %s AND phase IN ({', '.join(['%s'] * len(phases))}) AND node {'<>' if placed else '='} ''"
    where, values = _sieved(where, [kind, *phases], containing)
    return sql.select(f"SELECT {columns} FROM workloads_object WHERE {where} ORDER BY id", values)  # noqa: S608


def _one(where: str, values: list[Any], *, asked: str) -> Row:
    found = sql.select(f"SELECT {_COLUMNS} FROM workloads_object WHERE {where}", values)  # noqa: S608
    if not found:
        raise Missing(asked)
    return _row(found[0])


def _page(where: str, values: list[Any], limit: int | None) -> Page | None:
    """Rows and head of the log in one statement, thus of one instant. None when there are no rows to tell the head."""
    total = f"(SELECT count(*) FROM workloads_object WHERE {where})" if limit is not None else "0"  # noqa: S608
    found = sql.select(
        f"SELECT {_HEAD}, {total}, {_COLUMNS} FROM workloads_object WHERE {where} "  # noqa: S608
        f"ORDER BY account, namespace, name" + ("" if limit is None else f" LIMIT {int(limit)}"),
        values if limit is None else [*values, *values],
    )
    if not found:
        return None
    remaining = max(0, found[0][1] - len(found))
    return Page([_row(columns[2:]) for columns in found], revision=found[0][0], remaining=remaining)


def _sifted(where: str, values: list[Any], limit: int) -> Page:
    """As `_page`: chosen in the index first, then loaded. The head stands alone where nothing is chosen."""
    ordered, most = "ORDER BY account, namespace, name", int(limit)
    found = sql.select(
        f"SELECT head.revision, chosen.* FROM (SELECT {_HEAD} AS revision) AS head LEFT JOIN "  # noqa: S608
        f"(SELECT {_COLUMNS} FROM workloads_object WHERE id IN "
        f"(SELECT id FROM workloads_object WHERE {where} {ordered} LIMIT {most + 1})) AS chosen ON 1 = 1 {ordered}",
        values,
    )
    rows = [_row(columns[1:]) for columns in found[:most] if columns[1] is not None]
    return Page(rows, revision=found[0][0], remaining=max(0, len(found) - most))


def _empty_page(where: str, values: list[Any]) -> Page | None:
    """The head at an instant without rows. None when a row has come since: read the page again."""
    [(revision, some)] = sql.select(
        f"SELECT {_HEAD}, EXISTS(SELECT 1 FROM workloads_object WHERE {where})",  # noqa: S608
        values,
    )
    return None if some else Page([], revision=revision, remaining=0)


def _conditions(asked: Mapping[str, Any], after: tuple[str, str, str] | None) -> tuple[str, list[Any]]:
    given = {column: value for column, value in asked.items() if value is not None}
    if any("\0" in text for text in (*given.values(), *(after or ())) if isinstance(text, str)):
        return "1 = 0", []  # no text of ours has one, and PostgreSQL will not even be asked
    where, values = [f"{column} = %s" for column in given], list(given.values())
    if after is not None:
        behind, places = _behind(given, after)
        where, values = [*where, behind], [*values, *places]
    return " AND ".join(where), values


def _behind(given: Mapping[str, Any], after: tuple[str, str, str]) -> tuple[str, list[str]]:
    """Without the columns that are pinned to the same place anyway: SQLite would not use its index, and read
    100,000 rows to continue among them."""
    places = dict(zip(("account", "namespace", "name"), after, strict=True))
    for column in list(places):
        if given.get(column) != places[column]:
            break
        del places[column]
    if not places:
        return "1 = 0", []
    return f"({', '.join(places)}) > ({', '.join(['%s'] * len(places))})", list(places.values())


def _sieved(where: str, values: list[Any], containing: Sequence[bytes]) -> tuple[str, list[Any]]:
    has = "instr(data, %s) > 0" if connection.vendor == "sqlite" else "position(%s in data) > 0"
    return " AND ".join([where, *[has] * len(containing)]), [*values, *containing]


def _row(columns: Any) -> Row:
    account, kind, namespace, name, uid, revision, labels, owner_uid, phase, node, created, deleting, data = columns
    return Row(
        key=Key(account, kind, namespace, name),
        uid=Uid(uid),
        revision=revision,
        labels=orjson.loads(labels),
        owner_uid=owner_uid,
        phase=phase,
        node=node,
        created=time_out(created),
        deleting=bool(deleting),
        data=bytes_out(data),
    )
