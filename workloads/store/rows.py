"""What goes into the store, what comes out of it, and the three ways a write can fail. Import it from `objects`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """uid of the controlling owner, of an Event that of what it is about, or ""."""
    phase: str
    node: str
    created: datetime
    deleting: bool
    health: str = ""
    """How it does, in a word of its kind's; "" is well."""
    owner_kind: str = ""
    """Kind of the controlling owner, or ""."""
    images: str = ""
    """What a pod's containers run, names with a space between them."""


@dataclass(frozen=True, slots=True)
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
