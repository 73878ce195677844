"""The only door to money. The console and the API ask here; nobody reads billing's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Rate:
    """Price of something that runs. `per_second` has up to 10 decimal places and is never rounded inside."""

    currency: str
    per_second: Decimal

    @property
    def per_hour(self) -> Decimal:
        return self.per_second * 3600

    @property
    def per_month(self) -> Decimal:
        """30 days."""
        return self.per_second * 86400 * 30


@dataclass(frozen=True)
class Meter:
    """A running total: cost(t) = accrued + rate.per_second x whole seconds from `as_of` to t, while `running`.
    The page ticks from these three; the ledger gives the same number at the same instant."""

    rate: Rate
    accrued: Decimal
    as_of: datetime
    running: bool
    seconds: int
    """Billed seconds behind `accrued`."""


def rate(cpu_millis: int, memory_mib: int, *, pods: int = 1, at: datetime | None = None) -> Rate:
    """Price of a pod specification in this region, from the price list in force at `at` (now)."""
    raise NotImplementedError


def pod_meter(account: str, pod_uid: str) -> Meter | None:
    """None when the pod was never billed."""
    raise NotImplementedError


def meters(account: str, *, namespace: str | None = None) -> dict[str, Meter]:
    """By pod uid, for pods that run now."""
    raise NotImplementedError


def total(account: str, *, namespace: str | None = None, workload_uid: str | None = None) -> Meter:
    """The sum over pods, running and ended, since the start of the month (UTC)."""
    raise NotImplementedError


def today(account: str) -> Meter:
    """The same since midnight UTC."""
    raise NotImplementedError
