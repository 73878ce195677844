"""What pods used in the last hour, as lines that the server draws. Pure: figures in, numbers for an SVG out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from workloads.client import UsagePoint

WIDTH, HEIGHT = 720, 150
SPAN = timedelta(hours=1)
STEP = timedelta(seconds=30)
HOLDS = timedelta(seconds=75)
"""For how long a figure stands when no newer one comes: containers are looked at every half minute, not at once."""
_MIB = 1024**2
_STEPS = tuple(Decimal(step) for step in ("1", "2", "2.5", "4", "5", "8", "10"))

Points = Mapping[str, Sequence[UsagePoint]]
"""By pod uid."""


@dataclass(frozen=True)
class Curve:
    """`lines` are the points of polylines in the SVG's units, one for each time that was measured without a break;
    `billed_y` is where the billed size lies, "" when nothing is billed. Amounts are words: `0.12`, `34 MiB`."""

    lines: tuple[str, ...]
    areas: tuple[str, ...]
    billed_y: str
    top: str
    half: str
    billed: str
    now: str
    most: str
    average: str
    share: int
    """Of what is billed, the most that was used, in percent."""
    width: int = WIDTH
    height: int = HEIGHT
    middle: int = HEIGHT // 2


@dataclass(frozen=True)
class Curves:
    cpu: Curve
    memory: Curve
    since: datetime
    pods: int


def of(points: Points, *, cpu_millis: int, memory_mib: int, now: datetime) -> Curves | None:
    """Sums over all containers of all these pods, beside the size they are billed for together. None while nothing was
    measured."""
    if not any(points.values()):
        return None
    since = now - SPAN
    cpu = _sums(points, lambda point: point.cpu_nanocores, since, now)
    memory = _sums(points, lambda point: point.memory_bytes, since, now)
    if all(value is None for value in cpu):
        return None
    return Curves(
        cpu=_curve(_in(cpu, 10**9), Decimal(cpu_millis) / 1000, words=cores, top=_round_cores),
        memory=_curve(_in(memory, _MIB), Decimal(memory_mib), words=mebibytes, top=_power_of_two),
        since=since,
        pods=len(points),
    )


def cores(amount: Decimal) -> str:
    """`0.12`, `<0.01` for next to nothing, `0` for nothing."""
    if 0 < amount < Decimal("0.01"):
        return "<0.01"
    return f"{amount:.3f}".removesuffix("0") if amount else "0"


def mebibytes(amount: Decimal) -> str:
    """`34 MiB`, `1.25 GiB`."""
    return f"{amount / 1024:.2f} GiB" if amount >= 1024 else f"{amount:.0f} MiB"


def _sums(points: Points, value: Callable[[UsagePoint], int], since: datetime, now: datetime) -> list[int | None]:
    """One a step: what all containers used together; None where none was measured."""
    steps = int(SPAN / STEP)
    sums: list[int | None] = [None] * steps
    for series in _series(points):
        for number in range(steps):
            at = since + (number + 1) * STEP
            if (found := _standing(series, at)) is not None:
                sums[number] = (sums[number] or 0) + value(found)
    return sums


def _series(points: Points) -> list[list[UsagePoint]]:
    by_container: dict[tuple[str, str], list[UsagePoint]] = {}
    for uid, several in points.items():
        for point in several:
            by_container.setdefault((uid, point.container), []).append(point)
    return list(by_container.values())


def _standing(series: Sequence[UsagePoint], at: datetime) -> UsagePoint | None:
    """The newest figure at that instant, unless it is too old to stand for it."""
    known = [point for point in series if at - HOLDS < point.at <= at]
    return known[-1] if known else None


def _in(amounts: Sequence[int | None], unit: int) -> list[Decimal | None]:
    return [None if amount is None else Decimal(amount) / unit for amount in amounts]


def _curve(
    values: Sequence[Decimal | None],
    billed: Decimal,
    *,
    words: Callable[[Decimal], str],
    top: Callable[[Decimal], Decimal],
) -> Curve:
    measured = [value for value in values if value is not None]
    most = max(measured, default=Decimal(0))
    ceiling = top(max(most, billed))
    lines = _lines(values, ceiling)
    return Curve(
        lines=tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in line) for line in lines),
        areas=tuple(_area(line) for line in lines),
        billed_y=f"{HEIGHT - float(billed / ceiling) * HEIGHT:.1f}" if billed else "",
        top=words(ceiling),
        half=words(ceiling / 2),
        billed=words(billed),
        now=words(measured[-1]) if measured and values[-1] is not None else "--",
        most=words(most),
        average=words(sum(measured, Decimal(0)) / len(measured)) if measured else "--",
        share=round(100 * most / billed) if billed else 0,
    )


def _lines(values: Sequence[Decimal | None], top: Decimal) -> list[list[tuple[float, float]]]:
    place = WIDTH / max(1, len(values) - 1)
    lines: list[list[tuple[float, float]]] = []
    unbroken = False
    for number, value in enumerate(values):
        if value is None:
            unbroken = False
            continue
        if not unbroken:
            lines.append([])
        unbroken = True
        lines[-1].append((number * place, HEIGHT - float(value / top) * HEIGHT))
    return lines


def _area(line: Collection[tuple[float, float]]) -> str:
    """What lies under a line."""
    points = list(line)
    corners = [(points[0][0], float(HEIGHT)), *points, (points[-1][0], float(HEIGHT))]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _round_cores(most: Decimal) -> Decimal:
    """A round number that nothing exceeds."""
    if most <= 0:
        return Decimal(1)
    power = Decimal(1).scaleb(most.adjusted())
    return next(step * power for step in _STEPS if step * power >= most)


def _power_of_two(most: Decimal) -> Decimal:
    """The same in MiB, of which 1024 are the next unit."""
    found = Decimal(16)
    while found < most:
        found *= 2
    return found
