"""The seam to whatever keeps the data of claims: a folder each, which outlives the pods. Pure.

All methods are safe to run again. What they cannot do they say with OSError, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workloads.meta.keys import Uid


@dataclass(frozen=True)
class ClaimSpec:
    """Whose data it is: by uid, so that a claim that is made again never meets its predecessor's."""

    uid: Uid
    account: str
    storage_class: str


@dataclass(frozen=True)
class Space:
    """What a class has left on this host. Classes on the same `disk` share it."""

    disk: str
    free_bytes: int


@dataclass(frozen=True)
class Kept:
    """Data that lies here, whether a claim of that uid is known or not."""

    claim: ClaimSpec
    made_at: datetime
    set_aside_at: datetime | None = None


class Claims(Protocol):
    def space(self, storage_class: str) -> Space: ...

    def ensure(self, claim: ClaimSpec) -> None:
        """The claim has its data, empty at first. For a new claim only: what has gone must not come back empty."""

    def exists(self, claim: ClaimSpec) -> bool: ...

    def remove(self, claim: ClaimSpec) -> None:
        """Its data is out of everybody's reach, at once. `clear` frees the room."""

    def set_aside(self, claim: ClaimSpec) -> str:
        """Where its data lies from now on, in words for the operator. It comes back by itself when any other method is
        asked for this claim."""

    def clear(self) -> None:
        """Frees the room of what was removed. Takes its time."""

    def usage(self, claim: ClaimSpec) -> int | None:
        """Bytes it takes on its disk, counted file by file; None when it is not there."""

    def kept(self) -> list[Kept]:
        """All data that is here."""
