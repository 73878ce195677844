"""The add-on's waits are short here."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from burst import mirrors, pods
from tests.burst.worlds import World, world


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(pods, "ORPHAN_SECONDS", 0.05)
    monkeypatch.setattr(pods, "LOOK_AGAIN", 0.02)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


@pytest.fixture
async def burst() -> AsyncIterator[World]:
    """Running, with nothing in it."""
    async with world() as made:
        made.start()
        yield made
