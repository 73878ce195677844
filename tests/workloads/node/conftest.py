from __future__ import annotations

from pathlib import Path

import pytest

from tests.workloads.node.cluster import NOON, Clock, Cluster
from workloads.runtimes.archive import Archive
from workloads.runtimes.simulated import Simulated


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def runtime(clock: Clock, tmp_path: Path) -> Simulated:
    runtime = Simulated(clock=clock, archive=Archive(tmp_path / "logs"))
    runtime.add_image("busybox:1")
    return runtime


@pytest.fixture
def cluster(db: None) -> Cluster:
    return Cluster()
