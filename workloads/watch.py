"""List, then follow. kubectl's `-w` and the browser's page read the same log in the same order.

A process has one `Hub`: it tails the log (doorbell, and a slow tick for lost bells) and fans out to any number of
followers through bounded queues. A follower that does not read is cut off with Expired and lists again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Literal

from workloads.meta.keys import Key
from iam.identities import Identity


@dataclass(frozen=True)
class WatchEvent:
    """`data` is the object as JSON bytes (resourceVersion included); for BOOKMARK it is b"" and only `revision` speaks.
    DELETED is also what a follower with a selector gets when an object stops matching."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    revision: int
    key: Key | None
    data: bytes


def follow(
    identity: Identity,
    kinds: Collection[str],
    *,
    since: int,
    namespace: str | None = None,
    name: str | None = None,
    label_selector: str = "",
    field_selector: str = "",
    bookmarks: bool = False,
    timeout: float | None = None,
) -> AsyncIterator[WatchEvent]:
    """Changes with a greater revision than `since`, of the identity's account only, until `timeout` seconds have gone.
    Raises Expired when `since` is below the log's floor, or the follower was too slow. With `bookmarks`, one about
    every minute and one at the end."""
    raise NotImplementedError
