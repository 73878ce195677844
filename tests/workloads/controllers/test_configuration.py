"""Containers that are made from ConfigMaps and Secrets wait for them, and notice by themselves when they are there."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.pods import waking
from workloads.store import changes

JSON = dict[str, Any]


def config_map(name: str = "settings", **data: str) -> JSON:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str = "login", **data: str) -> JSON:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def reading(kind: str, name: str, key: str, **rest: Any) -> JSON:
    """A container with one variable A from there."""
    entry = {"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **rest}}}
    return {**manifests.container(), "env": [entry]}


def waiting(world: World) -> JSON:
    return dict(world.container()["state"]["waiting"])


def test_a_missing_config_map_is_said_and_waited_for(world: World) -> None:
    world.create(manifests.pod(containers=[reading("configMap", "settings", "color")]))
    world.advance(1)
    assert waiting(world) == {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    assert world.events("Failed") == ['Error: configmap "settings" not found']
    assert world.pod()["status"]["phase"] == "Pending"

    world.create(config_map(size="9"))
    world.settle()
    assert waiting(world)["message"] == "couldn't find key color in ConfigMap shop/settings"

    world.patch("ConfigMap", "settings", {"data": {"color": "blue"}})
    world.settle()
    assert "running" in world.container()["state"]


def test_a_missing_secret_is_waited_for_and_its_value_told_nobody(world: World) -> None:
    world.create(manifests.pod(containers=[reading("secret", "login", "word")]))
    world.advance(1)
    assert waiting(world)["message"] == 'secret "login" not found'
    world.create(secret(word="hunter2"))
    world.settle()
    assert "running" in world.container()["state"]
    assert "hunter2" not in str([world.pod(), world.all("Event")])


def test_only_the_container_that_misses_something_waits(world: World) -> None:
    other = {**reading("secret", "login", "word"), "name": "other"}
    world.create(manifests.pod(containers=[manifests.container(), other]))
    world.advance(1)
    assert "running" in world.container()["state"]
    assert waiting_of(world, "other") == "CreateContainerConfigError"


def waiting_of(world: World, container: str) -> str:
    return str(world.container(container=container)["state"]["waiting"]["reason"])


def test_what_is_optional_is_not_waited_for(world: World) -> None:
    world.create(manifests.pod(containers=[reading("secret", "login", "word", optional=True)]))
    world.advance(1)
    assert "running" in world.container()["state"]


def test_a_change_wakes_only_pods_that_wait_for_it(world: World) -> None:
    world.create(config_map(color="blue"))
    world.create(manifests.pod("one", containers=[reading("configMap", "settings", "color")]))
    world.create(manifests.pod("two", containers=[reading("configMap", "other", "color")]))
    world.create(manifests.pod("three"))
    world.advance(1)

    def woken(name: str) -> list[str]:
        head = changes.head()
        world.create(config_map(name, color="red")) if name == "other" else world.patch(
            "ConfigMap", name, {"data": {"color": "red"}}
        )
        (entry,) = changes.after(head)
        return [key.name for key in waking.keys(entry)]

    assert woken("settings") == []
    assert woken("other") == ["two"]
