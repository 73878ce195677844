from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, World, docker_world, simulated_world


@pytest.fixture(params=["simulated", pytest.param("docker", marks=pytest.mark.docker)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Every runtime in turn, with its network made."""
    with simulated_world() if request.param == "simulated" else docker_world() as made:
        made.network = made.runtime.ensure_network(made.network)
        yield made


@pytest.fixture
def dockers() -> Iterator[DockerWorld]:
    with docker_world() as made:
        made.network = made.runtime.ensure_network(made.network)
        yield made
