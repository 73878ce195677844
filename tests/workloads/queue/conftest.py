"""Bells are collected instead of sent, and the clock stands still unless it is moved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workloads.controllers import tasks
from workloads.meta.keys import Key

MORNING = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(MORNING, tick=False)
    return time_machine


@pytest.fixture
def bells(monkeypatch) -> list[tuple[str, Key]]:
    """Every (controller, key) a message was sent for."""
    sent: list[tuple[str, Key]] = []
    monkeypatch.setattr(tasks, "ring", lambda controller, keys: sent.extend((controller, key) for key in keys))
    return sent
