"""The price list: read as a whole, changed only from now on. What was in force stays in force for what was used."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from billing import instants
from billing.instants import Instant
from billing.models import Price
from billing.rating import MEMORY, VCPU, ItemPrice, PriceList
from iam import sql

_DEFAULT_REGION = "cn-north-4"
_DEFAULT_CURRENCY = "CNY"
_DEFAULTS = {VCPU: Decimal("0.000049"), MEMORY: Decimal("0.00002")}
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class PriceRefused(ValueError):
    """The price list does not take this; the text says the rule and the remedy."""


class PriceLists(dict[str, PriceList]):
    """Price lists by region, each read once: for one question or one transaction, not longer."""

    def __missing__(self, region: str) -> PriceList:
        self[region] = current(region)
        return self[region]


def current(region: str | None = None) -> PriceList:
    """The list of `region` (this installation's) with its history."""
    region = region or settings.REGION
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


@transaction.atomic
def set_price(
    item: str,
    amount: Decimal,
    *,
    effective_from: datetime,
    flavor: str = "",
    region: str | None = None,
    currency: str | None = None,
) -> Price:
    """Adds a price. Raises PriceRefused when it would begin in the past, is negative, finer than ten decimal places, or
    in another currency than the region's."""
    region = region or settings.REGION
    prices = current(region)
    currency = currency or prices.currency
    if effective_from < datetime.now(UTC):
        raise PriceRefused("A price cannot begin in the past, which is billed already: give a time from now on.")
    if amount < 0 or amount != round(amount, 10):
        raise PriceRefused(f"{amount} is not a price: give 0 or more, with at most 10 decimal places.")
    if prices.prices and currency != prices.currency:
        raise PriceRefused(f"Region {region} is priced in {prices.currency}: give the price in that currency.")
    return Price.objects.create(
        region=region, item=item, flavor=flavor, currency=currency, amount=amount, effective_from=effective_from
    )


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
