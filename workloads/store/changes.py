"""The log: what happened, in the order it was committed. Readers keep their own place (`Cursor`) and may start over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workloads.meta.keys import Key, Uid

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True)
class Entry:
    """`data` is the object after the change (for DELETED: its last state, at the deletion's revision);
    `previous` is the object before it, None for ADDED. A watcher with a selector needs both."""

    revision: int
    type: ChangeType
    key: Key
    uid: Uid
    data: bytes
    previous: bytes | None
    at: datetime


def head() -> int:
    """The newest revision; 0 in an empty log."""
    raise NotImplementedError


def floor() -> int:
    """The oldest revision a reader may still start from (entries with revision > floor are all there)."""
    raise NotImplementedError


def after(revision: int, *, kinds: Collection[str] | None = None, limit: int = 500) -> list[Entry]:
    """Entries with a greater revision, in order. Does not check the floor."""
    raise NotImplementedError


def trim(*, keep: int, older_than: datetime) -> int:
    """Forgets entries beyond the newest `keep` that are older than `older_than` and that every Cursor has passed.
    Returns how many went."""
    raise NotImplementedError
