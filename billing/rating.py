"""What a life costs: pure functions of instants, a size and a price list. No Django, no clock, no rounding of money.

Two rules make every sum come out:

* A pod is billed the ceiling of its whole life in seconds, once. A part of the life gets the seconds by which that
  ceiling grows during the part (cumulative rounding), so that parts of any cut add up to the whole.
* A price per second is fixed to ten decimal places before it meets a number of seconds, and seconds are whole. So
  every cost is exact, and the same whichever way the life was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from billing.instants import HOUR, SECOND, Instant, hour

PLACES = Decimal("1e-10")
VCPU, MEMORY = "vcpu", "memory"


class NoPrice(LookupError):
    """The price list does not know an item; the text says which, and where it is missing."""

    def __init__(self, text: str, item: str) -> None:
        super().__init__(text)
        self.item = item


@dataclass(frozen=True)
class Rate:
    """Price of something that runs. `per_second` has up to 10 decimal places and is never rounded inside."""

    currency: str
    per_second: Decimal

    @property
    def per_hour(self) -> Decimal:
        return self.per_second * 3600

    @property
    def per_day(self) -> Decimal:
        return self.per_second * 86400

    @property
    def per_month(self) -> Decimal:
        """30 days."""
        return self.per_second * 86400 * 30

    def times(self, pods: int) -> Rate:
        return Rate(self.currency, self.per_second * pods)


@dataclass(frozen=True)
class Size:
    """What is billed: the pod specification, never the container values below it."""

    flavor: str
    cpu_millis: int
    memory_mib: int
    gpu_model: str = ""
    gpu_count: int = 0

    def quantities(self) -> dict[str, Decimal]:
        """How much of each priced item a second of this size takes: cores, GiB, cards."""
        wanted = {VCPU: Decimal(self.cpu_millis) / 1000, MEMORY: Decimal(self.memory_mib) / 1024}
        if self.gpu_count:
            wanted[self.gpu_model] = Decimal(self.gpu_count)
        return wanted


@dataclass(frozen=True)
class ItemPrice:
    """`amount` a second for one core, GiB or card, from `effective_from` until the next price of the same item.
    An empty `flavor` is the price for every flavor that has none of its own."""

    item: str
    flavor: str
    amount: Decimal
    effective_from: Instant


@dataclass(frozen=True)
class PriceList:
    """One region's prices with their history."""

    region: str
    currency: str
    prices: tuple[ItemPrice, ...]

    def rate(self, size: Size, at: Instant) -> Rate:
        """The price in force at `at`. Raises NoPrice."""
        total = sum(
            (self._amount(item, size.flavor, at) * much for item, much in size.quantities().items() if much),
            Decimal(0),
        )
        return Rate(self.currency, total.quantize(PLACES, rounding=ROUND_HALF_UP))

    def shares(self, size: Size, at: Instant) -> dict[str, Decimal]:
        """The same rate by item: what its cores, GiB and cards cost a second. They add up to the rate, to the last
        digit: what ten places leave over is the cores'. Raises NoPrice."""
        wanted = size.quantities()
        shares = {
            item: (self._amount(item, size.flavor, at) * much if much else Decimal(0)).quantize(
                PLACES, rounding=ROUND_HALF_UP
            )
            for item, much in wanted.items()
        }
        others = sum((amount for item, amount in shares.items() if item != VCPU), Decimal(0))
        return {**shares, VCPU: self.rate(size, at).per_second - others}

    def changes(self, since: Instant, until: Instant, *, size: Size | None = None) -> list[Instant]:
        """The instants strictly inside the span at which a price begins (one that `size` pays), in order."""
        return sorted(
            {
                price.effective_from
                for price in self.prices
                if since < price.effective_from < until
                and (size is None or (price.flavor in ("", size.flavor) and price.item in size.quantities()))
            }
        )

    def in_force(self, item: str, flavor: str, at: Instant) -> ItemPrice | None:
        """The price of one item that `flavor` pays at `at`: its own before the one of every flavor."""
        candidates = [
            price
            for price in self.prices
            if price.item == item and price.flavor in ("", flavor) and price.effective_from <= at
        ]
        return max(candidates, key=lambda price: (price.flavor != "", price.effective_from), default=None)

    def with_(self, added: Iterable[ItemPrice], currency: str = "") -> PriceList:
        """As the list would be; an added price takes the place of one with the same item, flavor and beginning."""
        prices = {(price.item, price.flavor, price.effective_from): price for price in (*self.prices, *added)}
        return PriceList(self.region, currency or self.currency, tuple(prices.values()))

    def _amount(self, item: str, flavor: str, at: Instant) -> Decimal:
        found = self.in_force(item, flavor, at)
        if found is None:
            text = f"Region {self.region} has no price for {item} in {flavor}: add one to its price list."
            raise NoPrice(text, item)
        return found.amount


@dataclass(frozen=True)
class Line:
    """A span [start, end) of one life, at one price: what a usage segment says and what it costs."""

    start: Instant
    end: Instant
    seconds: int
    rate: Rate

    @property
    def cost(self) -> Decimal:
        return self.rate.per_second * self.seconds


def billed_seconds(started: Instant, until: Instant) -> int:
    """The ceiling of the life up to `until`; 0 when it ends before it starts."""
    return max(0, -((started - until) // SECOND))


def lines(size: Size, prices: PriceList, *, started: Instant, since: Instant, until: Instant) -> list[Line]:
    """The part [since, until) of a life that began at `started`, cut at full hours and at price changes.

    The ledger writes these lines; live cost is their sum over the part that is not written yet.
    """
    since = max(started, since)
    hours = range(hour(since) + HOUR, until, HOUR)
    return _cut(size, prices, started, _edges({*hours, *prices.changes(since, until, size=size)}, since, until))


def spans(size: Size, prices: PriceList, *, started: Instant, until: Instant) -> list[Line]:
    """The whole life up to `until`, cut at price changes alone: few lines for a long life, and the same cost."""
    return _cut(size, prices, started, _edges(prices.changes(started, until, size=size), started, until))


def _cut(size: Size, prices: PriceList, started: Instant, edges: Sequence[Instant]) -> list[Line]:
    return [
        Line(
            start=start,
            end=end,
            seconds=billed_seconds(started, end) - billed_seconds(started, start),
            rate=rate_or_nothing(prices, size, start),
        )
        for start, end in pairwise(edges)
    ]


def given_away(line: Line) -> Line:
    """The same line for nothing."""
    return replace(line, rate=Rate(line.rate.currency, Decimal(0)))


def cost(parts: Iterable[Line]) -> Decimal:
    return sum((line.cost for line in parts), Decimal(0))


def seconds(parts: Iterable[Line]) -> int:
    return sum(line.seconds for line in parts)


def rate_or_nothing(prices: PriceList, size: Size, at: Instant) -> Rate:
    """What the list does not price costs nothing: nobody is billed a sum that was never published."""
    try:
        return prices.rate(size, at)
    except NoPrice:
        return Rate(prices.currency, Decimal(0))


def shares_or_nothing(prices: PriceList, size: Size, at: Instant) -> dict[str, Decimal]:
    try:
        return prices.shares(size, at)
    except NoPrice:
        return {item: Decimal(0) for item in size.quantities()}


def last_second_began(started: Instant, at: Instant) -> Instant:
    """The microsecond at which the newest second counted at `at` began to be billed. From here the cost grows by one
    second's price with every whole second, exactly when the ledger's does."""
    return started + (billed_seconds(started, at) - 1) * SECOND + 1


@dataclass(frozen=True)
class Standing:
    """A line as the ledger holds it, with the number that corrections point at."""

    id: str
    start: Instant
    end: Instant
    rate: Rate


@dataclass(frozen=True)
class Correction:
    """Takes [start, end) of an earlier line back; `seconds` is negative or 0."""

    corrects: str
    start: Instant
    end: Instant
    seconds: int
    rate: Rate


def corrections(standing: Sequence[Standing], *, started: Instant, ended: Instant) -> list[Correction]:
    """What must be taken back when a life turns out to have ended at `ended`, before the ledger's last line did."""
    ended = max(started, ended)
    return [
        Correction(
            corrects=line.id,
            start=(start := max(line.start, ended)),
            end=line.end,
            seconds=billed_seconds(started, start) - billed_seconds(started, line.end),
            rate=line.rate,
        )
        for line in standing
        if line.end > ended
    ]


def _edges(inner: Iterable[Instant], since: Instant, until: Instant) -> list[Instant]:
    return [since, *sorted(inner), until] if since < until else []
