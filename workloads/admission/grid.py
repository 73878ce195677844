"""The operator's grid of pod specifications: the table behind it, read by everybody and written by operators.

A row counts from a time on, and until one: what is changed ends where its successor begins, and what has begun is never
taken out, so that the table tells what could be had when. Admission asks for every pod, so a process keeps what it read
for `FRESH_SECONDS`; a change made elsewhere, or a row that begins, is seen that much later. A migration filled the
table; one in which nothing is in force is the default grid. Changing the grid changes no pod that exists: its size
stands on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from time import monotonic
from typing import Literal, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from workloads.kinds import grids
from workloads.kinds.grids import DEFAULT, ContainerRule, Grid, Row
from workloads.store.models import ALWAYS, GridContainers, GridRow
from workloads.store.writing import write

FRESH_SECONDS = 2.0
_NONE = 0
"""The number of a default row that stands in no table."""
State = Literal["past", "in force", "coming"]


class GridRefused(ValueError):
    """The grid does not take this; the text, and `fields` by their names, say the rule and the remedy."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {"": message})


class NoSuchRow(GridRefused):
    def __init__(self, number: int) -> None:
        super().__init__(f"The grid has no row {number}: list it to see the numbers of its rows.")


class Numbered(NamedTuple):
    """A row with the number by which it is changed, and the time [since, until) in which it counts."""

    number: int
    row: Row
    since: datetime
    until: datetime | None

    def state(self, at: datetime) -> State:
        if self.since > at:
            return "coming"
        return "past" if self.until is not None and self.until <= at else "in force"


class _Known(NamedTuple):
    grid: Grid
    until: float


_known: _Known | None = None
_reading = threading.Lock()


def current() -> Grid:
    """The grid, at most `FRESH_SECONDS` old."""
    global _known
    known = _known
    if known is None or monotonic() >= known.until:
        with _reading:
            grid = _read()
            known = _known = _Known(grid, monotonic() + FRESH_SECONDS)
    return known.grid


def forget() -> None:
    """The next question reads the table."""
    global _known
    _known = None


def numbered(at: datetime | None = None) -> list[Numbered]:
    """The rows in force at a time (now), as the table holds them."""
    found = [_numbered(stored) for stored in _in_force(at or timezone.now()).order_by(Coalesce("position", "pk"))]
    return found or [Numbered(_NONE, row, ALWAYS, None) for row in DEFAULT.rows]


def stand() -> None:
    """Before rows are listed: what nobody has written into the table has no number by which it could be changed."""
    if not _in_force(timezone.now()).exists():
        with write():
            fill()


def history() -> list[Numbered]:
    """All rows that were, are and will be, by flavor and card, the newest of a family last."""
    stand()
    return sorted((_numbered(stored) for stored in GridRow.objects.order_by("pk")), key=place)


def place(one: Numbered) -> tuple[int, str, int, int, int, str, int]:
    """Where a row stands in `history`."""
    row = one.row
    flavor = grids.FLAVORS.index(row.flavor) if row.flavor in grids.FLAVORS else len(grids.FLAVORS)
    return flavor, row.gpu, row.gpus, row.min_cpu_millis, row.min_memory_gib, one.since.isoformat(), one.number


def found(number: int) -> Numbered:
    """Raises NoSuchRow."""
    return _numbered(_stored(number))


@transaction.atomic
def add(row: Row, *, since: datetime | None = None) -> Numbered:
    """From now on, or from `since`. Raises GridRefused."""
    now = timezone.now()
    _check([row])
    fill()
    made = _place(row, since=_begins(since, now), until=None)
    _changed()
    return made


@transaction.atomic
def change(number: int, row: Row, *, since: datetime | None = None) -> Numbered:
    """Another row in the place of this one, from now on or from `since`; one that has not begun is written anew. Raises
    NoSuchRow, GridRefused."""
    now = timezone.now()
    _check([row])
    fill()
    old, begins = _stored(number), _begins(since, now)
    if old.effective_until is not None and old.effective_until <= begins:
        raise GridRefused("This row has ended by then: add another one.", {"since": "The row has ended by then."})
    if old.effective_from > now:
        old.delete()
        if old.replaces is not None:
            GridRow.objects.filter(pk=old.replaces, effective_until=old.effective_from).update(effective_until=begins)
        replaces = old.replaces
    else:
        GridRow.objects.filter(pk=number).update(effective_until=begins)
        replaces = number
    made = _place(row, since=begins, until=old.effective_until, replaces=replaces, position=old.position or old.pk)
    _must_hold(now)
    _changed()
    return made


@transaction.atomic
def remove(number: int, *, since: datetime | None = None) -> Row:
    """Ends a row, now or at `since`; one that has not begun is taken out, and what it would have replaced goes on. Pods
    of its sizes run on. Raises NoSuchRow, GridRefused."""
    now = timezone.now()
    fill()
    stored, ends = _stored(number), _begins(since, now)
    if stored.effective_from > now:
        stored.delete()
        before = GridRow.objects.filter(pk=stored.replaces or 0, effective_until=stored.effective_from)
        before.update(effective_until=stored.effective_until)
    elif stored.effective_until is not None and stored.effective_until <= now:
        raise GridRefused("This row has ended: it is kept as history.")
    else:
        GridRow.objects.filter(pk=number).update(effective_until=ends)
    _must_hold(now)
    _changed()
    return _row(stored)


@transaction.atomic
def keep(number: int) -> Row:
    """Takes back that a row will end; not where another one begins in its place. Raises NoSuchRow, GridRefused."""
    now, stored = timezone.now(), _stored(number)
    if stored.effective_until is None or stored.effective_until <= now:
        raise GridRefused("This row does not end, or has ended.")
    if GridRow.objects.filter(replaces=number, effective_from=stored.effective_until).exists():
        raise GridRefused("Another row begins in its place: withdraw that one, and this one goes on.")
    _refuse_double(_row(stored), since=stored.effective_until, until=None, but=number)
    GridRow.objects.filter(pk=number).update(effective_until=None)
    _changed()
    return _row(stored)


@transaction.atomic
def replace(grid: Grid) -> None:
    """All rows and the container rule at once, from now on: what stands in both stays, what else is in force ends, what
    was to come is withdrawn. Raises GridRefused."""
    if not grid.rows:
        raise GridRefused("A grid without rows has no pod specifications: give at least one row.")
    _check(grid.rows)
    if problems := grids.rule_problems(grid.containers):
        raise GridRefused(f"containers: {'; '.join(problems)}.")
    if len(set(grid.rows)) < len(grid.rows):
        raise GridRefused("A row stands in the grid twice: leave one of them out.")
    _write(grid)
    _changed()


def reset() -> None:
    """Back to the rows the product comes with."""
    replace(DEFAULT)


def current_rule() -> ContainerRule:
    """Of containers, as the table holds it now."""
    stored = GridContainers.objects.order_by("pk").first()
    if stored is None:
        return DEFAULT.containers
    return ContainerRule(**{field.name: getattr(stored, field.name) for field in fields(ContainerRule)})


def _read() -> Grid:
    return Grid(tuple(one.row for one in numbered()), current_rule())


def _in_force(at: datetime) -> QuerySet[GridRow]:
    begun = GridRow.objects.filter(effective_from__lte=at)
    return begun.filter(Q(effective_until__isnull=True) | Q(effective_until__gt=at))


def fill() -> None:
    """A table that somebody emptied means the default grid; to change one row of it, the others must stand in it."""
    if not _in_force(timezone.now()).exists():
        _write(DEFAULT)


def _write(grid: Grid) -> None:
    now = timezone.now()
    GridRow.objects.filter(effective_from__gt=now).delete()
    standing = {_row(stored): stored.pk for stored in _in_force(now)}
    _in_force(now).exclude(pk__in=[standing[row] for row in grid.rows if row in standing]).update(effective_until=now)
    _in_force(now).update(effective_until=None)
    begins = now if GridRow.objects.exists() else ALWAYS
    for position, row in enumerate(grid.rows, 1):
        if row in standing:
            GridRow.objects.filter(pk=standing[row]).update(position=position)
        else:
            GridRow.objects.create(**asdict(row), effective_from=begins, position=position)
    GridContainers.objects.all().delete()
    GridContainers.objects.create(**asdict(grid.containers))


def _place(
    row: Row, *, since: datetime, until: datetime | None, position: int | None = None, replaces: int | None = None
) -> Numbered:
    _refuse_double(row, since=since, until=until)
    times = {"effective_from": since, "effective_until": until}
    return _numbered(GridRow.objects.create(**asdict(row), **times, position=position, replaces=replaces))


def _refuse_double(row: Row, *, since: datetime, until: datetime | None, but: int = 0) -> None:
    at_once = GridRow.objects.filter(Q(effective_until__isnull=True) | Q(effective_until__gt=since), **asdict(row))
    if until is not None:
        at_once = at_once.filter(effective_from__lt=until)
    if at_once.exclude(pk=but).exists():
        raise GridRefused(f"The grid has this row already: {row}.")


def _must_hold(now: datetime) -> None:
    """At no time from now on may the grid be empty."""
    standing = list(GridRow.objects.filter(Q(effective_until__isnull=True) | Q(effective_until__gt=now)))
    for at in sorted({now, *(one.effective_until for one in standing if one.effective_until is not None)}):
        if not any(_numbered(one).state(at) == "in force" for one in standing):
            raise GridRefused("This is the last row, and without rows no pod could be made: add another one first.")


def _begins(since: datetime | None, now: datetime) -> datetime:
    if since is None:
        return now
    if since < now:
        said = "A row cannot begin or end in the past, when pods were judged by others: give a time from now on."
        raise GridRefused(said, {"since": said})
    return since


def _stored(number: int) -> GridRow:
    stored = GridRow.objects.select_for_update().filter(pk=number).first()
    if stored is None:
        raise NoSuchRow(number)
    return stored


def _changed() -> None:
    """This process forgets at once, and again when others can see it: it may have been read in between."""
    forget()
    transaction.on_commit(forget)


def _check(rows: Iterable[Row]) -> None:
    for row in rows:
        if problems := grids.row_problems(row):
            said = f"{row.flavor or 'A row'}: {'; '.join(one.said for one in problems)}."
            raise GridRefused(said, {one.field: f"{one.said[:1].upper()}{one.said[1:]}." for one in problems})


def _numbered(stored: GridRow) -> Numbered:
    return Numbered(stored.pk, _row(stored), stored.effective_from, stored.effective_until)


def _row(stored: GridRow) -> Row:
    return Row(**{field.name: getattr(stored, field.name) for field in fields(Row)})
