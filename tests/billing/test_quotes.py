"""The price calculator says what the bill will say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import instants, prices, quotes, rating
from billing.quotes import NotOffered, quote
from billing.rating import ItemPrice, NoPrice, PriceList, Size
from workloads.kinds import grids
from workloads.meta.quantity import GIB

REGION, GENERAL = "cn-north-4", "general-computing"
START = datetime(2026, 2, 3, 10, 9, 6, tzinfo=UTC)


def size(cpu_millis: int = 2000, gib: int = 4) -> grids.Size:
    return grids.Size(cpu_millis, gib * GIB)


@pytest.mark.django_db
def test_the_published_example_costs_what_it_is_published_to_cost() -> None:
    found = quote(REGION, GENERAL, size(), pods=1, duration=timedelta(hours=2), starts=START)
    assert (found.seconds, found.total, found.later) == (7200, Decimal("1.2816"), ())
    assert found.rate.per_second == Decimal("0.000178")


@pytest.mark.django_db
def test_pods_and_months_multiply() -> None:
    month = timedelta(seconds=quotes.UNITS["months"])
    found = quote(REGION, GENERAL, size(), pods=3, duration=month, starts=START)
    assert found.total == found.rate.per_month == Decimal("0.000178") * 3 * 86_400 * 30


@pytest.mark.django_db
def test_a_price_that_begins_meanwhile_counts_from_then_on() -> None:
    starts = datetime.now(UTC) + timedelta(days=1)
    prices.set_price("vcpu", Decimal("0.000149"), effective_from=starts + timedelta(hours=1))
    found = quote(REGION, GENERAL, size(), pods=2, duration=timedelta(hours=2), starts=starts)
    assert found.total == 2 * 3600 * (Decimal("0.000178") + Decimal("0.000378"))
    assert [(moment, rate.per_second) for moment, rate in found.later] == [
        (starts + timedelta(hours=1), 2 * Decimal("0.000378"))
    ]


@pytest.mark.django_db
def test_what_cannot_be_had_is_refused_with_what_can_and_its_price() -> None:
    with pytest.raises(NotOffered, match="is no pod specification") as refused:
        quote(REGION, GENERAL, size(3000, 4), pods=1, duration=timedelta(hours=1))
    assert [(str(one), rate and rate.per_second) for one, rate in refused.value.nearest] == [
        ("3 cores, 6 GiB", Decimal("0.000267")),
        ("2 cores, 4 GiB", Decimal("0.000178")),
    ]


@pytest.mark.django_db
def test_a_region_without_a_price_says_so() -> None:
    with pytest.raises(NoPrice, match="Region nowhere has no price for vcpu"):
        quote("nowhere", GENERAL, size(), pods=1, duration=timedelta(hours=1))


PRICES = st.lists(
    st.builds(
        ItemPrice,
        item=st.sampled_from(["vcpu", "memory"]),
        flavor=st.sampled_from(["", GENERAL]),
        amount=st.decimals(0, 1, places=10),
        effective_from=st.integers(0, 40 * instants.HOUR),
    ),
    max_size=6,
)


@given(PRICES, st.integers(0, 10 * instants.HOUR), st.integers(0, 40 * instants.HOUR))
def test_cut_at_prices_alone_a_life_costs_what_its_hourly_lines_cost(
    listed: list[ItemPrice], started: int, length: int
) -> None:
    always = [ItemPrice(item, "", Decimal("0.00001"), -1) for item in ("vcpu", "memory")]
    price_list = PriceList("r", "CNY", (*always, *listed))
    billed, until = Size(GENERAL, 500, 1024), started + length
    hourly = rating.lines(billed, price_list, started=started, since=started, until=until)
    spans = rating.spans(billed, price_list, started=started, until=until)
    assert rating.cost(spans) == rating.cost(hourly)
    assert rating.seconds(spans) == rating.seconds(hourly) == rating.billed_seconds(started, until)
