"""The only door to money. The console and the API ask here; nobody reads billing's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing import instants, prices
from billing.money import format_money as format_money
from billing.money import format_rate
from billing.rating import NoPrice as NoPrice
from billing.rating import Rate as Rate
from billing.rating import Size


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


def rate(
    cpu_millis: int,
    memory_mib: int,
    *,
    pods: int = 1,
    at: datetime | None = None,
    flavor: str = "general-computing",
    gpu_model: str = "",
    gpu_count: int = 0,
) -> Rate:
    """Price of a pod specification in this region, from the price list in force at `at` (now). Raises NoPrice."""
    size = Size(flavor, cpu_millis, memory_mib, gpu_model, gpu_count)
    return prices.current().rate(size, instants.of(at or datetime.now(UTC))).times(pods)


def price(flavor: str, cpu_millis: int, memory_mib: int) -> str:
    """The same as admission's refusals say it, `0.000089 CNY/s`; "" when the region has no such price."""
    try:
        asked = rate(cpu_millis, memory_mib, flavor=flavor)
    except NoPrice:
        return ""
    return format_rate(asked.per_second, asked.currency)


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
