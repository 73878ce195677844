"""The price list: read as a whole, changed only from now on. What was in force stays in force for what was used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from billing import instants
from billing.instants import Instant
from billing.models import MeteredPod, Price
from billing.rating import MEMORY, VCPU, ItemPrice, PriceList
from iam import sql
from workloads.kinds.grids import FLAVORS, is_gpu

_DEFAULT_REGION = "cn-north-4"
_DEFAULT_CURRENCY = "CNY"
_DEFAULTS = {VCPU: Decimal("0.000049"), MEMORY: Decimal("0.00002")}
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_TOO_DEAR = 10_000
"""Above it, sums of a year of many pods would not fit their columns."""


class PriceRefused(ValueError):
    """The price list does not take this; the text, and `fields` by their names, say the rule and the remedy."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class PriceLists(dict[str, PriceList]):
    """Price lists by region, each read once: for one question or one transaction, not longer."""

    def __missing__(self, region: str) -> PriceList:
        self[region] = _current(region)
        return self[region]


_open: ContextVar[PriceLists | None] = ContextVar("open price lists", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """As long as it is open here, each list is read once: what is said together is said of one list."""
    token = _open.set(PriceLists())
    try:
        yield
    finally:
        _open.reset(token)


def current(region: str | None = None) -> PriceList:
    """The list of `region` (this installation's) with its history."""
    lists = _open.get()
    return _current(region or settings.REGION) if lists is None else lists[region or settings.REGION]


def _current(region: str) -> PriceList:
    rows = _rows(region)
    known = _known.get(region)
    if known is None or known.rows != rows:
        known = _known[region] = _Known(rows, _listed(region))
    return known.prices


class _Known(NamedTuple):
    """A list and the rows it was made of, as the database tells them: making it is dearer than asking for those."""

    rows: list[tuple[Any, ...]]
    prices: PriceList


_known: dict[str, _Known] = {}


def _rows(region: str) -> list[tuple[Any, ...]]:
    asked = "SELECT id, item, flavor, currency, amount, effective_from FROM billing_price WHERE region = %s ORDER BY id"
    return sql.select(asked, [region])


def _listed(region: str) -> PriceList:
    rows = list(Price.objects.filter(region=region).order_by("effective_from"))
    return PriceList(
        region=region,
        currency=rows[0].currency if rows else _DEFAULT_CURRENCY,
        prices=tuple(ItemPrice(row.item, row.flavor, row.amount, instants.of(row.effective_from)) for row in rows),
    )


def changes(since: Instant, until: Instant) -> list[Instant]:
    """The instants strictly inside the span at which some region's price begins, in order."""
    begun = Price.objects.filter(
        effective_from__gt=instants.moment(since), effective_from__lt=instants.moment(until)
    ).values_list("effective_from", flat=True)
    return sorted({instants.of(moment) for moment in begun})


def regions() -> list[str]:
    """Those that have prices, this installation's first."""
    found = set(Price.objects.order_by().values_list("region", flat=True).distinct())
    return sorted({settings.REGION, *found}, key=lambda region: (region != settings.REGION, region))


def rows(region: str) -> list[Price]:
    """All prices of a region that were, are and will be, in the order of their item, flavor and beginning."""
    return sorted(
        Price.objects.filter(region=region),
        key=lambda price: (rank(price.item), price.item, price.flavor, price.effective_from),
    )


def rank(item: str) -> int:
    """Cores come first, then memory, then cards."""
    return {VCPU: 0, MEMORY: 1}.get(item, 2)


@dataclass(frozen=True)
class Draft:
    """A price that somebody wants: `amount` a second for one `item`, from `effective_from` on."""

    region: str
    item: str
    flavor: str
    currency: str
    amount: Decimal
    effective_from: datetime

    @property
    def key(self) -> Key:
        return self.region, self.item, self.flavor, self.effective_from

    def priced(self) -> ItemPrice:
        return ItemPrice(self.item, self.flavor, self.amount, instants.of(self.effective_from))


Key = tuple[str, str, str, datetime]


def problems(draft: Draft, *, now: datetime, alone: bool = True) -> dict[str, str]:
    """What is wrong with a draft: field -> rule and remedy. Empty when the list takes it. `alone` is False for one that
    may take the place of a coming price."""
    listed = current(draft.region)
    found: dict[str, str] = {}
    if not _REGION.fullmatch(draft.region) and draft.region != settings.REGION:
        found["region"] = "A region is called by 1 to 64 letters, digits, '-', '_' and '.'."
    if draft.item not in (VCPU, MEMORY) and not is_gpu(draft.item):
        found["item"] = f"{draft.item!r} is no item: give vcpu, memory, or a card such as nvidia.com/gpu-tesla-t4."
    if draft.flavor not in ("", *FLAVORS):
        found["flavor"] = f"{draft.flavor!r} is no flavor: give {' or '.join(FLAVORS)}, or none for every flavor."
    if not _CURRENCY.fullmatch(draft.currency):
        found["currency"] = f"{draft.currency!r} is no currency: give its three letters, such as CNY."
    elif listed.prices and draft.currency != listed.currency:
        found["currency"] = f"Region {draft.region} is priced in {listed.currency}: give the price in that currency."
    if wrong := _amount_problem(draft.amount):
        found["amount"] = wrong
    if draft.effective_from < now and not (listed.prices or _is_billed(draft.region)):
        return found
    if draft.effective_from < now:
        found["effective_from"] = "A price cannot begin in the past, which is billed already: give a time from now on."
    elif alone and draft.priced().effective_from in _beginnings(listed, draft):
        found["effective_from"] = (
            "A price of this item and flavor begins at this time already: withdraw it, or give another time."
        )
    return found


@transaction.atomic
def add(draft: Draft) -> Price:
    """Raises PriceRefused."""
    if found := problems(draft, now=datetime.now(UTC)):
        raise PriceRefused(found)
    return Price.objects.create(**asdict(draft))


def set_price(
    item: str,
    amount: Decimal,
    *,
    effective_from: datetime,
    flavor: str = "",
    region: str | None = None,
    currency: str | None = None,
) -> Price:
    """`add`, of this region and in its currency unless others are given."""
    region = region or settings.REGION
    currency = currency or current(region).currency
    return add(Draft(region, item, flavor, currency, amount, effective_from))


@transaction.atomic
def withdraw(number: int) -> Draft | None:
    """Takes a price back that has not begun. None when there is no such price; raises PriceRefused when it began."""
    found = Price.objects.select_for_update().filter(pk=number).first()
    if found is None:
        return None
    if found.effective_from <= datetime.now(UTC):
        raise PriceRefused({"": "This price has begun, and what ran since is billed by it: add one that follows it."})
    found.delete()
    return draft_of(found)


def draft_of(price: Price) -> Draft:
    return Draft(price.region, price.item, price.flavor, price.currency, price.amount, price.effective_from)


def _amount_problem(amount: Decimal) -> str:
    if amount.is_finite() and amount >= _TOO_DEAR:
        return f"{amount} a second is out of reach: give less than {_TOO_DEAR}."
    if not amount.is_finite() or amount < 0 or amount != round(amount, 10):
        return f"{amount} is not a price: give 0 or more, with at most 10 decimal places."
    return ""


def _beginnings(listed: PriceList, draft: Draft) -> set[Instant]:
    return {one.effective_from for one in listed.prices if (one.item, one.flavor) == (draft.item, draft.flavor)}


def _is_billed(region: str) -> bool:
    """Whether pods were metered there: then its past is billed, with what had no price billed at nothing."""
    return region == settings.REGION or MeteredPod.objects.filter(region=region).exists()


def ensure_defaults() -> None:
    """The published list for its region, and the same figures for this installation's region while it has none."""
    for region in {_DEFAULT_REGION, settings.REGION}:
        if Price.objects.filter(region=region).exists():
            continue
        Price.objects.bulk_create(
            [
                Price(region=region, item=item, currency=_DEFAULT_CURRENCY, amount=amount, effective_from=_ALWAYS)
                for item, amount in _DEFAULTS.items()
            ],
            ignore_conflicts=True,
        )
