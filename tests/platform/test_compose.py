"""docker-compose.yml is what it says: Compose accepts it, and the web tier holds no Docker socket."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = ROOT / ".build" / "compose" / "docker-compose"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    assert COMPOSE.exists(), f"{COMPOSE} is missing: `make test` fetches it (scripts/setup.py test)"
    done = subprocess.run([COMPOSE, "config", "--format", "json"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_compose_names_every_part_of_the_product(services: dict[str, Any]) -> None:
    assert {"web", "worker", "manager", "agent", "postgres", "redis", "envoy"} <= set(services)


def test_only_the_node_tier_may_speak_to_docker(services: dict[str, Any]) -> None:
    with_socket = {
        name
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if "docker.sock" in volume.get("source", "")
    }
    assert with_socket == {"worker", "agent"}


def test_only_envoy_is_reached_from_outside(services: dict[str, Any]) -> None:
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"envoy"}


def test_envoy_accepts_the_edge_it_is_given() -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "envoy", "--mode", "validate", "-c", ROOT / "scripts" / "envoy-edge.yaml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
