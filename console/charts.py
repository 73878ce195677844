"""Bars as the server draws them: numbers for an SVG that says the same in a table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.client import Point, Unit
from console import moments

WIDTH, HEIGHT = 720, 160
_GAP = 0.28
"""Of a bar's place, what stays empty."""
_FORMS: dict[str, Callable[[datetime], str]] = {
    "hour": lambda at: f"{at:%H:00}",
    "day": moments.day_of_month,
    "month": moments.short_month,
}
_EVERY = {"hour": 4, "day": 5, "month": 2}
"""Which bars have their name under them."""
_STEPS = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))


@dataclass(frozen=True)
class Bar:
    """Two boxes, one on the other: what is settled and what is not yet. In the SVG's units, as text: its numbers have a
    point in every language."""

    name: str
    label: str
    x: str
    middle: str
    width: str
    settled_y: str
    settled_height: str
    open_y: str
    open_height: str
    cost: Decimal
    open: Decimal


@dataclass(frozen=True)
class Rule:
    """A line across, and the amount it stands for."""

    y: str
    amount: Decimal


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    rules: tuple[Rule, ...]
    total: Decimal
    width: int = WIDTH
    height: int = HEIGHT


def bars(points: Sequence[Point], unit: Unit) -> Chart:
    top = _top(max((point.cost for point in points), default=Decimal(0)))
    place = WIDTH / max(1, len(points))
    drawn = tuple(_bar(point, unit, number, len(points), place, top) for number, point in enumerate(points))
    rules = tuple(Rule(_number(HEIGHT - HEIGHT * part / 2), top * part / 2) for part in (1, 2) if top)
    return Chart(drawn, rules, sum((point.cost for point in points), Decimal(0)))


def _bar(point: Point, unit: Unit, number: int, count: int, place: float, top: Decimal) -> Bar:
    settled, ahead = (_height(max(Decimal(0), part), top) for part in (point.settled, point.open))
    name = _FORMS[unit](point.start)
    is_named = (count - 1 - number) % _EVERY[unit] == 0
    return Bar(
        name=name,
        label=name if is_named else "",
        x=_number(number * place + place * _GAP / 2),
        middle=_number(number * place + place / 2),
        width=_number(place * (1 - _GAP)),
        settled_y=_number(HEIGHT - settled),
        settled_height=_number(settled),
        open_y=_number(HEIGHT - settled - ahead),
        open_height=_number(ahead),
        cost=point.cost,
        open=point.open,
    )


def _height(amount: Decimal, top: Decimal) -> float:
    return float(amount / top) * HEIGHT if top else 0.0


def _top(most: Decimal) -> Decimal:
    """A round number that nothing exceeds: 1, 2, 2.5 or 5 times a power of ten."""
    if most <= 0:
        return Decimal(0)
    power = Decimal(1).scaleb(most.adjusted())
    return next(step * power for step in _STEPS if step * power >= most)


def _number(value: float) -> str:
    return f"{value:.2f}"
