"""The world at noon, with or without a namespace in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from tests import manifests
from tests.workloads.controllers.world import World

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def world(db: None, tmp_path: Path) -> Iterator[World]:
    """One namespace `shop` of acme, an image, and noon."""
    with time_machine.travel(NOON, tick=False) as travel:
        world = World(travel, tmp_path)
        world.runtime.add_image(manifests.IMAGE)
        world.namespace()
        yield world


@pytest.fixture
def empty_world(db: None, tmp_path: Path) -> Iterator[World]:
    with time_machine.travel(NOON, tick=False) as travel:
        yield World(travel, tmp_path)
