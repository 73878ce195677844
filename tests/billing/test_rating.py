"""The published sums, and the rules that make every cut of a life add up."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import instants, rating
from billing.instants import HOUR, SECOND
from billing.rating import ItemPrice, NoPrice, PriceList, Size, Standing
from tests.billing.lives import START, at

TWO_FOUR = Size("general-computing", 2000, 4096)
PUBLISHED = PriceList(
    region="cn-north-4",
    currency="CNY",
    prices=(
        ItemPrice("vcpu", "", Decimal("0.000049"), 0),
        ItemPrice("memory", "", Decimal("0.00002"), 0),
    ),
)


def with_prices(*more: ItemPrice) -> PriceList:
    return PriceList("cn-north-4", "CNY", (*PUBLISHED.prices, *more))


def life(prices: PriceList, started: int, ended: int, size: Size = TWO_FOUR) -> list[rating.Line]:
    return rating.lines(size, prices, started=started, since=started, until=ended)


@pytest.mark.parametrize(
    ("cpu_millis", "memory_mib", "per_second"),
    [(500, 1024, "0.0000445"), (1000, 2048, "0.000089"), (2000, 4096, "0.000178"), (250, 1024, "0.00003225")],
)
def test_the_published_prices_come_out_exactly(cpu_millis: int, memory_mib: int, per_second: str) -> None:
    size = Size("general-computing", cpu_millis, memory_mib)
    assert PUBLISHED.rate(size, START).per_second == Decimal(per_second)


def test_a_rate_is_an_hour_a_day_and_a_month_of_thirty_days() -> None:
    rate = PUBLISHED.rate(TWO_FOUR, START)
    assert (rate.per_hour, rate.per_day, rate.per_month) == (Decimal("0.6408"), Decimal("15.3792"), Decimal("461.376"))
    assert rate.times(3).per_second == Decimal("0.000534")


def test_two_hours_from_ten_past_ten_are_three_hourly_records() -> None:
    records = life(PUBLISHED, at("10:09:06"), at("12:09:06"))
    assert [record.seconds for record in records] == [50 * 60 + 54, 3600, 9 * 60 + 6]
    assert rating.seconds(records) == 7200
    assert rating.cost(records) == Decimal("1.2816")


def test_a_second_begun_is_a_second_billed_once_for_the_whole_life() -> None:
    assert rating.billed_seconds(START, START + 1) == 1
    assert rating.billed_seconds(START, START + SECOND) == 1
    assert rating.billed_seconds(START, START + SECOND + 1) == 2


def test_a_life_that_ends_before_it_starts_costs_nothing() -> None:
    assert rating.billed_seconds(START, START - 90 * SECOND) == 0
    assert life(PUBLISHED, START, START - 90 * SECOND) == []
    assert life(PUBLISHED, START, START) == []


def test_an_hour_edge_inside_a_second_bills_that_second_once() -> None:
    records = life(PUBLISHED, at("10:59:59.600000"), at("11:00:00.400000"))
    assert [record.seconds for record in records] == [1, 0]


def test_a_price_change_cuts_the_life_and_each_part_pays_its_own_price() -> None:
    dearer = with_prices(ItemPrice("vcpu", "", Decimal("0.000098"), at("10:30:00")))
    records = life(dearer, at("10:09:06"), at("11:00:00"))
    assert [(record.seconds, record.rate.per_second) for record in records] == [
        (1254, Decimal("0.000178")),
        (1800, Decimal("0.000276")),
    ]


def test_a_price_change_of_what_the_pod_does_not_use_cuts_nothing() -> None:
    other = with_prices(
        ItemPrice("nvidia.com/gpu-tesla-t4", "", Decimal(1), at("10:30:00")),
        ItemPrice("vcpu", "gpu-accelerated", Decimal(1), at("10:40:00")),
    )
    assert len(life(other, at("10:09:06"), at("11:00:00"))) == 1


def test_a_flavors_own_price_wins_over_the_general_one() -> None:
    own = with_prices(ItemPrice("vcpu", "gpu-accelerated", Decimal("0.0001"), 0))
    assert own.rate(Size("gpu-accelerated", 1000, 0), START).per_second == Decimal("0.0001")
    assert own.rate(Size("general-computing", 1000, 0), START).per_second == Decimal("0.000049")


def test_cards_are_priced_by_their_model() -> None:
    cards = with_prices(ItemPrice("nvidia.com/gpu-tesla-t4", "", Decimal("0.002"), 0))
    size = Size("gpu-accelerated", 16000, 65536, "nvidia.com/gpu-tesla-t4", 2)
    assert cards.rate(size, START).per_second == Decimal("0.000784") + Decimal("0.00128") + Decimal("0.004")


def test_what_the_list_does_not_know_has_no_price_and_costs_nothing() -> None:
    empty = PriceList("nowhere", "CNY", ())
    with pytest.raises(NoPrice, match="Region nowhere has no price for vcpu in general-computing"):
        empty.rate(TWO_FOUR, START)
    assert rating.cost(life(empty, START, START + HOUR)) == 0


def test_a_size_off_the_grid_is_fixed_to_ten_places_once() -> None:
    rate = PUBLISHED.rate(Size("general-computing", 0, 1), START)
    assert rate.per_second == Decimal("0.0000000195")


def test_a_late_end_takes_back_what_was_settled_beyond_it() -> None:
    rate = PUBLISHED.rate(TWO_FOUR, START)
    settled = life(PUBLISHED, at("10:09:06"), at("12:00:00"))
    standing = [Standing(str(n), line.start, line.end, rate) for n, line in enumerate(settled)]
    taken = rating.corrections(standing, started=at("10:09:06"), ended=at("10:30:00"))
    assert [(line.corrects, line.seconds) for line in taken] == [("0", -1800), ("1", -3600)]
    assert rating.corrections(standing, started=at("10:09:06"), ended=at("12:00:00")) == []


def test_the_last_day_of_a_leap_february_ends_at_march() -> None:
    leap = instants.parse("2028-02-29T23:30:00Z")
    records = life(PUBLISHED, leap, leap + HOUR)
    assert [(record.start, record.seconds) for record in records] == [(leap, 1800), (leap + HOUR // 2, 1800)]
    assert instants.month(records[1].start) == records[1].start == instants.parse("2028-03-01T00:00:00Z")


def test_the_night_that_clocks_go_back_has_as_many_hours_as_any_other() -> None:
    start, end = instants.parse("2026-10-25T00:30:00+02:00"), instants.parse("2026-10-25T03:30:00+01:00")
    records = life(PUBLISHED, start, end)
    assert rating.seconds(records) == 4 * 3600
    assert len(records) == 5


moments = st.integers(min_value=START, max_value=START + 30 * HOUR)
histories = st.lists(
    st.tuples(st.sampled_from(["vcpu", "memory"]), st.decimals(0, 1, places=10), moments), max_size=4
).map(lambda rows: with_prices(*(ItemPrice(item, "", amount, begins) for item, amount, begins in rows)))


@given(histories, moments, moments, st.lists(moments, max_size=6))
def test_any_cut_of_a_life_adds_up_to_the_whole(prices: PriceList, a: int, b: int, cuts: list[int]) -> None:
    started, ended = min(a, b), max(a, b)
    edges = [started, *sorted(cut for cut in cuts if started < cut < ended), ended]
    whole = life(prices, started, ended)
    parts = [
        line
        for since, until in itertools.pairwise(edges)
        for line in rating.lines(TWO_FOUR, prices, started=started, since=since, until=until)
    ]
    assert rating.seconds(parts) == rating.seconds(whole) == rating.billed_seconds(started, ended)
    assert rating.cost(parts) == rating.cost(whole)


@given(moments, st.integers(0, 5 * HOUR), st.integers(0, 5 * HOUR))
def test_ticking_from_the_last_second_begun_follows_the_ledger_at_every_microsecond(s: int, a: int, b: int) -> None:
    now, later = s + min(a, b), s + max(a, b)
    ticked = (later - rating.last_second_began(s, now)) // SECOND
    assert rating.billed_seconds(s, now) + ticked == rating.billed_seconds(s, later)


@given(moments, st.lists(moments, min_size=1, max_size=4))
def test_corrections_leave_exactly_the_true_life(started: int, ends: list[int]) -> None:
    settled = life(PUBLISHED, started, max(started, max(ends)))
    standing = [Standing(str(n), line.start, line.end, line.rate) for n, line in enumerate(settled)]
    taken = rating.corrections(standing, started=started, ended=min(ends))
    left = rating.seconds(settled) + sum(line.seconds for line in taken)
    assert left == rating.billed_seconds(started, min(ends))
