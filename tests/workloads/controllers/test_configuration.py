"""Containers that are made from ConfigMaps and Secrets wait for them, and notice by themselves when they are there."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.pods import waking
from workloads.meta.errors import Refused
from workloads.meta.keys import Uid
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


def showing(volume: JSON, **mount: Any) -> JSON:
    """A pod whose container sees the volume at /v."""
    container = {**manifests.container(), "volumeMounts": [{"name": "v", "mountPath": "/v", **mount}]}
    return manifests.pod(containers=[container], volumes=[{"name": "v", **volume}])


def shown(world: World, path: str) -> str | None:
    data = world.runtime.file(Uid(world.pod()["metadata"]["uid"]), "v", path)
    return None if data is None else data.decode()


def test_a_volume_of_what_is_not_there_holds_the_pod_and_costs_nothing(world: World) -> None:
    world.create(showing({"configMap": {"name": "settings", "items": [{"key": "color", "path": "a/color"}]}}))
    world.advance(1)
    assert waiting(world) == {"reason": "ContainerCreating"}
    assert world.events("FailedMount") == ['MountVolume.SetUp failed for volume "v" : configmap "settings" not found']
    assert "pullStartedAt" not in world.pod()["status"].get("lifecycle", {})

    world.create(config_map(size="9"))
    world.settle()
    assert world.events("FailedMount")[-1].endswith("configmap references non-existent config key: color")

    world.patch("ConfigMap", "settings", {"data": {"color": "blue"}})
    world.settle()
    assert "running" in world.container()["state"]
    assert shown(world, "a/color") == "blue"


def test_files_follow_the_config_map_while_the_pod_runs(world: World) -> None:
    world.create(config_map(color="blue"))
    world.create(showing({"configMap": {"name": "settings"}}))
    world.advance(1)
    world.patch("ConfigMap", "settings", {"data": {"color": "red"}})
    world.settle()
    assert shown(world, "color") == "red"
    assert world.container()["restartCount"] == 0


def test_a_secret_that_goes_leaves_what_it_showed_and_an_optional_one_is_not_waited_for(world: World) -> None:
    world.create(secret(word="hunter2"))
    sources = [{"secret": {"name": "login"}}, {"secret": {"name": "other", "optional": True}}]
    world.create(showing({"projected": {"sources": sources}}))
    world.advance(1)
    assert shown(world, "word") == "hunter2"
    world.delete("Secret", "login")
    world.settle()
    assert shown(world, "word") == "hunter2"
    assert "running" in world.container()["state"]


def test_the_downward_api_shows_labels_as_they_are_now(world: World) -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "app", "resource": "limits.cpu", "divisor": "1m"}},
    ]
    world.create(showing({"downwardAPI": {"items": items}}))
    world.advance(1)
    assert (shown(world, "labels"), shown(world, "cpu")) == ('app="one"', "250")
    world.patch("Pod", "one", {"metadata": {"labels": {"tier": "back"}}})
    world.settle()
    assert shown(world, "labels") == 'app="one"\ntier="back"'


def test_volumes_go_with_the_pod(world: World) -> None:
    world.create(showing({"emptyDir": {}}))
    world.advance(1)
    assert world.runtime.volume_owners() == [world.pod()["metadata"]["uid"]]
    world.delete("Pod", "one")
    world.advance(5)
    assert world.runtime.volume_owners() == []


def pull_secret(host: str, password: str) -> JSON:
    config = orjson.dumps({"auths": {host: {"username": "alice", "password": password}}}).decode()
    manifest = secret("registry", **{".dockerconfigjson": config})
    return {**manifest, "type": "kubernetes.io/dockerconfigjson"}


PRIVATE = "registry.example.com/app:1"


def private_pod(name: str = "one", **spec: Any) -> JSON:
    return manifests.pod(name, containers=[manifests.container(image=PRIVATE)], **spec)


def protected(world: World) -> None:
    world.runtime.add_image(PRIVATE, local=False)
    world.runtime.protect(PRIVATE, username="alice", password="hunter2")


def test_a_private_image_is_pulled_with_the_pods_secret(world: World) -> None:
    protected(world)
    world.create(pull_secret("registry.example.com", "hunter2"))
    world.create(private_pod(imagePullSecrets=[{"name": "registry"}]))
    world.advance(3)
    assert "running" in world.container()["state"]
    assert "hunter2" not in str([world.pod(), world.all("Event")])


def test_without_its_secret_a_private_image_is_refused_until_it_is_there(world: World) -> None:
    protected(world)
    world.create(private_pod(imagePullSecrets=[{"name": "registry"}]))
    world.advance(3)
    assert waiting(world)["reason"] == "ImagePullBackOff"
    assert "no basic auth credentials" in waiting(world)["message"]
    assert world.events("FailedToRetrieveImagePullSecret") == [
        "Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed."
    ]
    world.create(pull_secret("registry.example.com", "hunter2"))
    world.advance(30)
    assert "running" in world.container()["state"]


def test_a_service_account_lends_its_secrets(world: World) -> None:
    protected(world)
    world.create(pull_secret("registry.example.com", "hunter2"))
    world.patch("ServiceAccount", "default", {"imagePullSecrets": [{"name": "registry"}]})
    world.create(private_pod())
    world.advance(3)
    assert world.pod()["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert "running" in world.container()["state"]


def test_an_unknown_service_account_is_refused(world: World) -> None:
    with pytest.raises(Refused, match='error looking up service account shop/robot: serviceaccount "robot" not found'):
        world.create(private_pod(serviceAccountName="robot"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    world.create(account)
    assert world.create(private_pod(serviceAccountName="robot"))["spec"]["serviceAccount"] == "robot"


def test_a_root_image_does_not_start_where_root_is_refused(world: World) -> None:
    made = world.create(manifests.pod(securityContext={"runAsNonRoot": True}))
    world.advance(1)
    where = f'(pod: "one_shop({made["metadata"]["uid"]})", container: app)'
    said = f"container has runAsNonRoot and image will run as root {where}"
    assert waiting(world) == {"reason": "CreateContainerConfigError", "message": said}
    assert world.events("Failed") == [f"Error: {said}"]


def test_an_image_with_a_user_of_its_own_starts_there(world: World) -> None:
    world.runtime.add_image("own:1", user="101")
    container = {**manifests.container(image="own:1"), "securityContext": {"runAsNonRoot": True}}
    world.create(manifests.pod(containers=[container]))
    world.advance(1)
    assert "running" in world.container()["state"]
