"""Work items: one row a (controller, key). Duplicates fold; a key made dirty while it is worked on stays dirty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from workloads.meta.keys import Key


@dataclass(frozen=True)
class Claim:
    controller: str
    key: Key
    seen: int
    failures: int
    until: datetime


def add(controller: str, keys: Iterable[Key], *, delay: float = 0.0) -> None:
    """Makes the keys dirty (due now or after `delay` seconds) and rings the Celery bell for those due now."""
    raise NotImplementedError


def claim(controller: str, *, holder: str, key: Key | None = None) -> Claim | None:
    """Takes one due item (or this one) for a while; None when nothing is due. One holder a key, ever."""
    raise NotImplementedError


def settle(claim: Claim, *, requeue_after: float | None = None, error: str = "", terminal: bool = False) -> None:
    """Done, again later, or failed (backoff 1 s doubling to 5 min). A claim that has expired settles nothing."""
    raise NotImplementedError
