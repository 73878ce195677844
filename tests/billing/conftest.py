"""A pod, a log and a clock for the meter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from billing import instants
from billing.budgets import cap
from billing.instants import Instant
from billing.packages import relief
from tests.billing.lives import START, Log, Pod


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still in most tests here."""
    relief.forget()
    monkeypatch.setattr(cap, "DEAR_SECONDS", 3600.0)


@pytest.fixture
def pod() -> Pod:
    return Pod()


@pytest.fixture
def log(db: None) -> Log:
    return Log()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Instant], None]]:
    """`clock(instant)` sets what billing thinks is now."""

    def set_now(instant: Instant) -> None:
        monkeypatch.setattr(instants, "now", lambda: instant)

    set_now(START)
    yield set_now
