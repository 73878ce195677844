"""docker-compose.yml is what it says: Compose accepts it, and the web tier holds no Docker socket."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.env import SETTINGS

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = ROOT / ".build" / "compose" / "docker-compose"


DECIDED_BY_COMPOSE = {"CCI_DATA_DIR", "CCI_HOST", "CCI_PORT", "CCI_API_PORT", "CCI_DEBUG", "CCI_RUNTIME", "CCI_LOG_DIR"}
DECIDED_BY_COMPOSE |= {"CCI_API_PROCESSES"}  # one a container: `--scale web=2`


def config(**environment: str) -> dict[str, Any]:
    """The services as Compose understands them, with nothing set but `environment`."""
    assert COMPOSE.exists(), f"{COMPOSE} is missing: `make test` fetches it (scripts/setup.py test)"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCI_")}
    command = [str(COMPOSE), "--env-file", "/dev/null", "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return config()


def test_compose_names_every_part_of_the_product(services: dict[str, Any]) -> None:
    assert {"web", "worker", "manager", "agent", "proxy", "postgres", "redis", "envoy"} <= set(services)


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


def test_the_web_tier_has_no_right_of_roots(services: dict[str, Any]) -> None:
    for name in ("migrate", "web", "manager"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert "cap_add" not in services[name]


def test_what_listens_at_addresses_of_the_host_may_do_no_more_than_that(services: dict[str, Any]) -> None:
    assert services["proxy"]["cap_drop"] == ["ALL"]
    assert set(services["proxy"]["cap_add"]) == {"NET_ADMIN", "NET_BIND_SERVICE", "SYS_NICE"}
    assert services["proxy"]["security_opt"] == ["no-new-privileges:true"]


def test_what_is_on_the_hosts_network_needs_no_name_of_composes(services: dict[str, Any]) -> None:
    on_host = {name: service for name, service in services.items() if service.get("network_mode") == "host"}
    assert set(on_host) == {"worker", "agent", "proxy"}
    for service in on_host.values():
        mounted = {volume["target"] for volume in service["volumes"]}
        assert service["environment"]["DATABASE_URL"] == "postgres://cci@%2Frun%2Fpostgresql/cci"
        assert service["environment"]["REDIS_URL"] == "unix:///run/redis/redis.sock"
        assert {"/run/postgresql", "/run/redis", "/var/lib/cci"} <= mounted


def test_pods_have_a_door_of_their_own_at_which_nobody_is_believed_about_their_address(
    services: dict[str, Any],
) -> None:
    assert services["web"]["command"] == ["web", "pages", "api"]
    assert services["web"]["environment"]["FORWARDED_ALLOW_IPS"] == "*"
    assert services["proxy"]["environment"]["FORWARDED_ALLOW_IPS"] == "127.0.0.1"


def test_addresses_of_the_host_are_as_with_make_run_unless_somebody_says_otherwise(services: dict[str, Any]) -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    for name in ("CCI_POD_API", "CCI_DNS", "CCI_ELB_POOL"):
        assert services["proxy"]["environment"][name] == services["web"]["environment"][name] == defaults[name]
    assert config(CCI_ELB_POOL="none")["proxy"]["environment"]["CCI_ELB_POOL"] == "none"


def test_every_setting_reaches_the_containers() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    passed = yaml.safe_load(text)["x-cci"]["environment"].keys()
    assert {setting.name for setting in SETTINGS} - DECIDED_BY_COMPOSE <= passed


def test_another_port_is_published_and_stands_in_kubeconfigs() -> None:
    moved = config(CCI_PORT="18080", CCI_API_PORT="16443")
    assert {port["published"] for port in moved["envoy"]["ports"]} == {"18080", "16443"}
    assert moved["web"]["environment"]["CCI_API_URL"] == "https://127.0.0.1:16443"


def test_no_folder_of_the_host_is_mounted_inside_a_volume(services: dict[str, Any]) -> None:
    """What is mounted there with `rshared` would appear on the host a second time, and outlive `down --volumes`."""
    for service in services.values():
        mounts = service.get("volumes", [])
        volumes = [f"{mount['target']}/" for mount in mounts if mount["type"] == "volume"]
        binds = [mount["target"] for mount in mounts if mount["type"] == "bind"]
        assert not [bind for bind in binds if bind.startswith(tuple(volumes))]


def test_everything_waits_for_the_tables(services: dict[str, Any]) -> None:
    for name in ("web", "manager", "worker", "agent", "proxy"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["restart"] == "unless-stopped"


def test_images_made_here_take_the_place_of_every_public_one() -> None:
    script = (ROOT / "scripts" / "local_images.sh").read_text()
    local = dict(re.findall(r"(CCI_[A-Z]+_IMAGE)=(cci/[a-z]+:local)", script))
    images = {service["image"] for service in config(**local).values()}
    assert images == {"cci:local", "cci/postgres:local", "cci/redis:local", "cci/envoy:local"}


def test_only_what_is_named_goes_into_the_image() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    taken = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert rules[0] == "*"
    assert all((ROOT / place).exists() for place in taken)
    assert not {"data", "tests", ".git", ".env"} & set(taken)


def test_envoy_accepts_the_edge_it_is_given() -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "envoy", "--mode", "validate", "-c", ROOT / "scripts" / "envoy-edge.yaml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
