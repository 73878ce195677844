"""The operator's grid of pod specifications: the table behind it, read by everybody and written by operators.

Admission asks for every pod, so a process keeps what it read for `FRESH_SECONDS`; a change made elsewhere is seen that
much later. A migration filled the table; an empty one is the default grid. Changing the grid changes no pod that
exists: its size stands on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, fields
from time import monotonic
from typing import NamedTuple

from django.db import transaction

from workloads.kinds import grids
from workloads.kinds.grids import DEFAULT, ContainerRule, Grid, Row
from workloads.store.models import GridContainers, GridRow

FRESH_SECONDS = 2.0


class GridRefused(ValueError):
    """The grid does not take this; the text says the rule and the remedy."""


class Numbered(NamedTuple):
    """A row with the number by which it can be removed."""

    number: int
    row: Row


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


def numbered() -> list[Numbered]:
    """The rows as the table holds them now."""
    found = [Numbered(stored.pk, _row(stored)) for stored in GridRow.objects.order_by("pk")]
    return found or [Numbered(0, row) for row in DEFAULT.rows]


@transaction.atomic
def add(row: Row) -> Row:
    """Raises GridRefused."""
    _check([row])
    _fill()
    if row in [one.row for one in numbered()]:
        raise GridRefused(f"The grid has this row already: {row}.")
    GridRow.objects.create(**asdict(row))
    _changed()
    return row


@transaction.atomic
def remove(number: int) -> Row:
    """Takes a row away. Pods of its sizes run on. Raises GridRefused."""
    _fill()
    stored = GridRow.objects.filter(pk=number).first()
    if stored is None:
        raise GridRefused(f"The grid has no row {number}: list it to see the numbers of its rows.")
    row = _row(stored)
    if not GridRow.objects.exclude(pk=number).exists():
        raise GridRefused("This is the last row, and without rows no pod could be made: add another one first.")
    stored.delete()
    _changed()
    return row


@transaction.atomic
def replace(grid: Grid) -> None:
    """All rows and the container rule at once. Raises GridRefused."""
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


def _fill() -> None:
    """A table that somebody emptied means the default grid; to change one row of it, the others must stand in it."""
    if not GridRow.objects.exists():
        _write(DEFAULT)


def _write(grid: Grid) -> None:
    GridRow.objects.all().delete()
    GridContainers.objects.all().delete()
    for row in grid.rows:
        GridRow.objects.create(**asdict(row))
    GridContainers.objects.create(**asdict(grid.containers))


def _changed() -> None:
    """This process forgets at once, and again when others can see it: it may have been read in between."""
    forget()
    transaction.on_commit(forget)


def _check(rows: Iterable[Row]) -> None:
    for row in rows:
        if problems := grids.row_problems(row):
            raise GridRefused(f"{row.flavor or 'A row'}: {'; '.join(problems)}.")


def _row(stored: GridRow) -> Row:
    return Row(**{field.name: getattr(stored, field.name) for field in fields(Row)})
