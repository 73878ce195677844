"""Rows in, rows out, one object a transaction; every write appends its change to the log in that transaction.

`data` goes in without a resourceVersion that matters and always comes out with the right one: the first key of
`metadata` is `resourceVersion`, and its value is put in on the way out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from workloads.meta.keys import Key, Uid


class Exists(Exception):
    """Another object has the key."""


class Missing(Exception):
    """No object has the key."""


class Stale(Exception):
    """The object is not at the revision the caller read: somebody wrote first."""


@dataclass(frozen=True)
class Draft:
    """What is to be written. `data` is the object as JSON bytes."""

    key: Key
    uid: Uid
    data: bytes
    labels: Mapping[str, str]
    owner_uid: str
    """uid of the controlling owner, or ""."""
    phase: str
    node: str
    created: datetime
    deleting: bool


@dataclass(frozen=True)
class Row:
    """What is stored."""

    key: Key
    uid: Uid
    revision: int
    labels: Mapping[str, str]
    owner_uid: str
    phase: str
    node: str
    created: datetime
    deleting: bool
    data: bytes


Guard = Callable[[], None]
"""Runs first inside the write's transaction, after the write lock is held; may raise to refuse (quota, budget)."""


def insert(draft: Draft, *, guards: Iterable[Guard] = ()) -> Row:
    """Raises Exists."""
    raise NotImplementedError


def update(draft: Draft, *, expected_revision: int, guards: Iterable[Guard] = ()) -> Row:
    """Compare and set. Raises Stale or Missing."""
    raise NotImplementedError


def remove(draft: Draft, *, expected_revision: int) -> int:
    """Takes the row away and logs DELETED with `draft.data` as the last state. Returns the revision.
    Raises Stale or Missing."""
    raise NotImplementedError


def read(key: Key) -> Row:
    """Raises Missing."""
    raise NotImplementedError


def read_uid(uid: str) -> Row:
    """Raises Missing."""
    raise NotImplementedError


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    revision: int
    """The head of the log at the instant of the list: watch from here."""
    remaining: int


def scan(
    kind: str,
    *,
    account: str | None = None,
    namespace: str | None = None,
    name: str | None = None,
    owner_uid: str | None = None,
    phase: str | None = None,
    deleting: bool | None = None,
    after: tuple[str, str, str] | None = None,
    limit: int | None = None,
) -> Page:
    """In order of (account, namespace, name). `account=None` spans all accounts: for controllers and the meter only.
    `after` is the (account, namespace, name) to continue behind."""
    raise NotImplementedError


def count(kind: str, *, account: str | None = None, namespace: str | None = None) -> int:
    raise NotImplementedError
