"""The data of claims in memory, for the simulated runtime: same contract as `hostclaims`, with controls for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from workloads.runtimes.claims import ClaimSpec, Kept, Space

TIB = 1024**4


@dataclass
class _Data:
    made_at: datetime
    files: dict[str, bytes] = field(default_factory=dict)


class SimulatedClaims:
    """One disk for all classes unless `disks` says otherwise."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._data: dict[ClaimSpec, _Data] = {}
        self._aside: dict[ClaimSpec, tuple[_Data, datetime]] = {}
        self.disks: dict[str, str] = {}
        """Which disk a class lies on; "" for those not named."""
        self.sizes: dict[str, int] = {}
        """How large each disk is; 1 TiB where nothing is said."""
        self.removals: list[ClaimSpec] = []
        """Whose data was taken away, in order."""

    def files(self, claim: ClaimSpec) -> dict[str, bytes] | None:
        """What is in it, to be read and written by containers; None when it is not there."""
        with self._lock:
            data = self._found(claim)
            return None if data is None else data.files

    def lose(self, claim: ClaimSpec) -> None:
        """Somebody takes the data away behind our back."""
        with self._lock:
            self._data.pop(claim, None)

    # The contract

    def space(self, storage_class: str) -> Space:
        with self._lock:
            disk = self.disks.get(storage_class, "")
            taken = sum(_bytes(data) for claim, data in self._data.items() if self._disk(claim) == disk)
            return Space(disk=disk, free_bytes=max(0, self.sizes.get(disk, TIB) - taken))

    def ensure(self, claim: ClaimSpec) -> None:
        with self._lock:
            if self._found(claim) is None:
                self._data[claim] = _Data(self._clock())

    def exists(self, claim: ClaimSpec) -> bool:
        with self._lock:
            return self._found(claim) is not None

    def remove(self, claim: ClaimSpec) -> None:
        with self._lock:
            if self._found(claim) is not None:
                del self._data[claim]
                self.removals.append(claim)

    def set_aside(self, claim: ClaimSpec) -> str:
        with self._lock:
            if self._found(claim) is None:
                return ""
            self._aside[claim] = (self._data.pop(claim), self._clock())
            return f"aside/{claim.uid}"

    def clear(self) -> None:
        """What is removed here is gone at once."""

    def usage(self, claim: ClaimSpec) -> int | None:
        with self._lock:
            data = self._found(claim)
            return None if data is None else _bytes(data)

    def kept(self) -> list[Kept]:
        with self._lock:
            aside = [Kept(claim, data.made_at, set_aside_at=at) for claim, (data, at) in self._aside.items()]
            return [Kept(claim, data.made_at) for claim, data in self._data.items()] + aside

    def _found(self, claim: ClaimSpec) -> _Data | None:
        """What was set aside is put back first."""
        if claim in self._aside:
            self._data[claim], _ = self._aside.pop(claim)
        return self._data.get(claim)

    def _disk(self, claim: ClaimSpec) -> str:
        return self.disks.get(claim.storage_class, "")


def _bytes(data: _Data) -> int:
    return sum(len(one) for one in data.files.values())
