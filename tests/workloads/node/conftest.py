from __future__ import annotations

import pytest

from tests.workloads.node.cluster import NOON, Clock, Cluster
from workloads.runtimes.simulated import Simulated


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def runtime(clock: Clock) -> Simulated:
    runtime = Simulated(clock=clock)
    runtime.add_image("busybox:1")
    return runtime


@pytest.fixture
def cluster(db: None) -> Cluster:
    return Cluster()
