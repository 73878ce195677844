"""What pods used in the last hour or day, as lines that the server draws. Pure: figures in, numbers for an SVG out, and
the same in words, for a table and for whoever points at a moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from workloads.client import UsageGrain, UsageHistory, UsageStep

WIDTH, HEIGHT = 720, 150
LENGTHS: dict[UsageGrain, int] = {"hour": 120, "day": 288}
"""Steps in a picture."""
_ROWS: dict[UsageGrain, int] = {"hour": 10, "day": 12}
"""Steps in a row of the table: five minutes, an hour."""
_MIB = 1024**2
_STEPS = (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0)


@dataclass(frozen=True)
class Restart:
    """A container started again `at`; `ended` says how the attempt before did: `exit 1`, "" where that is not known."""

    at: datetime
    pod: str
    container: str
    ended: str


@dataclass(frozen=True)
class Line:
    """`lines` are the points of polylines in the SVG's units, one for each time that was measured without a break;
    `bands` go from the least to the most of each step. Amounts are words: `0.12`, `34 MiB`, `1.5 KiB/s`."""

    name: str
    """"" where the picture has one line alone."""
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    now: str
    most: str
    average: str


@dataclass(frozen=True)
class TableRow:
    at: str
    cells: tuple[str, ...]
    """Average and most of each line."""


@dataclass(frozen=True)
class Curve:
    """`billed_y` is where the billed size lies, "" when nothing is billed; `marks` are the places of restarts.
    `readings` has a sentence for each step."""

    kind: str
    title: str
    lines: tuple[Line, ...]
    readings: tuple[str, ...]
    table: tuple[TableRow, ...]
    marks: tuple[str, ...]
    top: str
    half: str
    billed_y: str = ""
    billed: str = ""
    share: int = 0
    """Of what is billed, the most that was used, in percent."""
    width: int = WIDTH
    height: int = HEIGHT
    middle: int = HEIGHT // 2

    @property
    def last(self) -> int:
        return len(self.readings) - 1


@dataclass(frozen=True)
class Curves:
    grain: UsageGrain
    all: tuple[Curve, ...]
    restarts: tuple[Restart, ...]
    """In the time that is shown, the newest first."""
    pods: int


@dataclass(frozen=True)
class _Frame:
    """The steps of a picture: their moments, and those at which a container was started again."""

    grain: UsageGrain
    step: timedelta
    moments: list[datetime]
    restarts: Sequence[Restart]

    def spread(self, steps: Sequence[UsageStep]) -> list[UsageStep | None]:
        by_moment = {step.at: step for step in steps}
        return [by_moment.get(moment) for moment in self.moments]

    def restarts_at(self, moment: datetime) -> list[Restart]:
        return [one for one in self.restarts if moment <= one.at < moment + self.step]


@dataclass(frozen=True)
class _Unit:
    """How a gauge is said: what an amount is called, and which round number stands at the top."""

    words: Callable[[float], str]
    top: Callable[[float], float]
    scale: float = 1.0
    """Of what was measured, in one unit of the words."""


def of(
    history: UsageHistory,
    grain: UsageGrain,
    *,
    cpu_millis: int,
    memory_mib: int,
    now: datetime,
    restarts: Collection[Restart] = (),
) -> Curves | None:
    """Beside the size that these pods are billed for together. None while nothing was measured in that time."""
    frame = _frame(history, grain, now, restarts)
    if not any(frame.spread(history.cpu)):
        return None
    cpu, memory = _Unit(cores, _round_cores, 10**9), _Unit(mebibytes, _power_of_two, _MIB)
    return Curves(
        grain=grain,
        all=(
            _curve(frame, "cpu", _("CPU, cores"), [("", history.cpu)], cpu, billed=cpu_millis / 1000),
            _curve(frame, "memory", _("Memory"), [("", history.memory)], memory, billed=memory_mib),
            _curve(
                frame,
                "network",
                _("Network"),
                [(_("Received"), history.received), (_("Sent"), history.sent)],
                _Unit(rate, _power_of_two_rate),
            ),
        ),
        restarts=tuple(frame.restarts),
        pods=len(history.uids),
    )


def cores(amount: float) -> str:
    """`0.12`, `<0.01` for next to nothing, `0` for nothing."""
    if 0 < amount < 0.01:
        return "<0.01"
    return f"{amount:.3f}".removesuffix("0") if amount else "0"


def mebibytes(amount: float) -> str:
    """`34 MiB`, `1.25 GiB`."""
    return f"{amount / 1024:.2f} GiB" if amount >= 1024 else f"{amount:.0f} MiB"


def rate(amount: float) -> str:
    """`0 B/s`, `812 B/s`, `1.5 KiB/s`, `3.2 MiB/s`."""
    for unit, size in (("GiB", 1024**3), ("MiB", _MIB), ("KiB", 1024)):
        if amount >= size:
            return f"{amount / size:.1f} {unit}/s"
    return f"{amount:.0f} B/s"


def _frame(history: UsageHistory, grain: UsageGrain, now: datetime, restarts: Collection[Restart]) -> _Frame:
    seconds, length = int(history.step.total_seconds()), LENGTHS[grain]
    newest = int(now.timestamp()) // seconds
    moments = [datetime.fromtimestamp((newest - length + 1 + number) * seconds, UTC) for number in range(length)]
    shown = sorted((one for one in restarts if moments[0] <= one.at <= now), key=lambda one: one.at, reverse=True)
    return _Frame(grain, history.step, moments, shown)


def _curve(
    frame: _Frame,
    kind: str,
    title: str,
    gauges: Sequence[tuple[str, Sequence[UsageStep]]],
    unit: _Unit,
    *,
    billed: float = 0.0,
) -> Curve:
    spread = [(name, frame.spread(steps)) for name, steps in gauges]
    most = max((step.most / unit.scale for _name, steps in spread for step in steps if step), default=0.0)
    ceiling = unit.top(max(most, billed))
    return Curve(
        kind=kind,
        title=title,
        lines=tuple(_line(name, steps, unit, ceiling) for name, steps in spread),
        readings=tuple(_reading(frame, number, spread, unit) for number in range(len(frame.moments))),
        table=_table(frame, spread, unit),
        marks=tuple(_number(_x(frame, one.at)) for one in frame.restarts),
        top=unit.words(ceiling),
        half=unit.words(ceiling / 2),
        billed_y=_number(_y(billed, ceiling)) if billed else "",
        billed=unit.words(billed),
        share=round(100 * most / billed) if billed else 0,
    )


def _line(name: str, steps: Sequence[UsageStep | None], unit: _Unit, ceiling: float) -> Line:
    seen = [step for step in steps if step]
    runs = _runs(steps)

    def points(run: Sequence[tuple[float, UsageStep]], value: Callable[[UsageStep], float]) -> str:
        return " ".join(f"{x:.1f},{_y(value(step) / unit.scale, ceiling):.1f}" for x, step in run)

    average = sum(step.average for step in seen) / len(seen) / unit.scale if seen else 0.0
    return Line(
        name=name,
        lines=tuple(points(run, lambda step: step.average) for run in runs),
        bands=tuple(
            f"{points(run, lambda step: step.most)} {points(run[::-1], lambda step: step.least)}" for run in runs
        ),
        now=next((unit.words(step.average / unit.scale) for step in reversed(steps[-2:]) if step), "--"),
        most=unit.words(max((step.most for step in seen), default=0.0) / unit.scale) if seen else "--",
        average=unit.words(average) if seen else "--",
    )


def _runs(steps: Sequence[UsageStep | None]) -> list[list[tuple[float, UsageStep]]]:
    """What was measured without a break, each step with its place. One that stands alone is as wide as half a step."""
    place, runs, unbroken = WIDTH / (len(steps) - 1), list[list[tuple[float, UsageStep]]](), False
    for number, step in enumerate(steps):
        if step:
            if not unbroken:
                runs.append([])
            runs[-1].append((number * place, step))
        unbroken = step is not None
    return [run if len(run) > 1 else [run[0], (min(WIDTH, run[0][0] + place / 2), run[0][1])] for run in runs]


def _reading(frame: _Frame, number: int, spread: Sequence[tuple[str, Sequence[UsageStep | None]]], unit: _Unit) -> str:
    moment = frame.moments[number]
    said = [_said(frame.grain, name, step, unit) for name, steps in spread if (step := steps[number])]
    again = [_("%(container)s of %(pod)s restarted") % one.__dict__ for one in frame.restarts_at(moment)]
    return _("%(time)s UTC: %(what)s") % {
        "time": f"{moment:%H:%M:%S}" if frame.grain == "hour" else f"{moment:%H:%M}",
        "what": "; ".join([*(said or [_("not measured")]), *again]),
    }


def _said(grain: UsageGrain, name: str, step: UsageStep, unit: _Unit) -> str:
    words = {"name": name, "average": unit.words(step.average / unit.scale), "most": unit.words(step.most / unit.scale)}
    if grain == "hour":
        return _("%(name)s %(average)s") % words if name else words["average"]
    if name:
        return _("%(name)s %(average)s, at most %(most)s") % words
    return _("%(average)s, at most %(most)s") % words


def _table(
    frame: _Frame, spread: Sequence[tuple[str, Sequence[UsageStep | None]]], unit: _Unit
) -> tuple[TableRow, ...]:
    """The newest first."""
    several, length = _ROWS[frame.grain], len(frame.moments)
    rows = []
    for first in range(0, length, several):
        cells: list[str] = []
        for _name, steps in spread:
            seen = [step for step in steps[first : first + several] if step]
            cells.append(unit.words(sum(step.average for step in seen) / len(seen) / unit.scale) if seen else "--")
            cells.append(unit.words(max(step.most for step in seen) / unit.scale) if seen else "--")
        rows.append(TableRow(f"{frame.moments[first]:%H:%M}", tuple(cells)))
    return tuple(reversed(rows))


def _x(frame: _Frame, at: datetime) -> float:
    span = frame.moments[-1] - frame.moments[0]
    return max(0.0, min(1.0, (at - frame.moments[0]) / span)) * WIDTH


def _y(value: float, ceiling: float) -> float:
    return HEIGHT - value / ceiling * HEIGHT


def _number(value: float) -> str:
    """With a point in every language."""
    return f"{value:.1f}"


def _round_cores(most: float) -> float:
    """A round number that nothing exceeds."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in _STEPS if step * power >= most * (1 - 1e-9))


def _power_of_two(most: float) -> float:
    """The same in MiB, of which 1024 are the next unit."""
    return 2.0 ** max(4, math.ceil(math.log2(most))) if most > 0 else 16.0


def _power_of_two_rate(most: float) -> float:
    return 2.0 ** max(10, math.ceil(math.log2(most))) if most > 0 else 1024.0
