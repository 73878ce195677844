"""Graphics cards: a pod gets its own, waits with a sentence while there are too few, and gives them back at its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import prices
from tests import manifests
from tests.workloads.controllers.world import GIB, World
from workloads.meta.errors import Invalid, Refused
from workloads.runtimes import gpus
from workloads.runtimes.base import Capacity

T4 = "nvidia.com/gpu-tesla-t4"
DEVICES = "resource.cci.io/gpu-devices"


def clever(name: str, cards: int = 1) -> dict[str, Any]:
    container = manifests.container()
    container["resources"] = {"limits": {T4: str(cards)}}
    return manifests.pod(name, containers=[container])


@pytest.fixture
def gpu_world(world: World) -> World:
    """Three cards, of which the first is of another model; a namespace for them, and prices."""
    world.cards = {"nvidia.com/gpu-tesla-v100-16GB": ("0",), T4: ("1", "2")}
    world.runtime._capacity = Capacity(64_000, 512 * GIB)
    world.reborn()
    prices.set_price(T4, Decimal("0.002"), effective_from=datetime.now(UTC) + timedelta(seconds=1))
    world.advance(2)
    namespace = manifests.namespace("ai")
    namespace["metadata"]["annotations"]["namespace.kubernetes.io/flavor"] = "gpu-accelerated"
    world.alice.create("Namespace", namespace)
    world.advance(3)
    return world


def devices(world: World, name: str) -> str | None:
    return world.pod(name, "ai")["metadata"]["annotations"].get(DEVICES)


def test_pods_have_cards_of_their_own_and_the_next_one_waits_until_one_ends(gpu_world: World) -> None:
    for name in ("one", "two", "three"):
        gpu_world.create(clever(name), "ai")
    gpu_world.settle()
    assert [devices(gpu_world, name) for name in ("one", "two", "three")] == ["1", "2", None]
    (said,) = [event["message"] for event in gpu_world.all("Event", "ai") if event["reason"] == "FailedScheduling"]
    assert said == f"0/1 nodes are available: needs cards: 1 x {T4}, 0 of 2 free"

    gpu_world.delete("Pod", "one", "ai")
    gpu_world.advance(5)
    assert devices(gpu_world, "three") == "1"


def test_a_pod_that_waits_for_cards_holds_up_nobody(gpu_world: World) -> None:
    gpu_world.create(clever("large", cards=4), "ai")
    gpu_world.advance(1200)
    gpu_world.create(manifests.pod("small"))
    gpu_world.settle()
    assert gpu_world.pod("small")["spec"]["nodeName"] == "node-1"


def test_a_card_the_host_does_not_have_is_said_with_the_setting(gpu_world: World) -> None:
    gpu_world.cards = {}
    gpu_world.reborn()
    gpu_world.create(clever("one"), "ai")
    gpu_world.settle()
    message = gpu_world.pod("one", "ai")["status"]["conditions"][0]["message"]
    assert "there are none on this host (the operator's CCI_GPUS)" in message


def test_which_cards_a_pod_has_is_not_for_users_to_say(gpu_world: World) -> None:
    wish = clever("mine")
    wish["metadata"]["annotations"] = {DEVICES: "0"}
    with pytest.raises(Invalid, match="the service chooses which cards"):
        gpu_world.create(wish, "ai")

    gpu_world.create(clever("one"), "ai")
    gpu_world.settle()
    with pytest.raises(Refused, match="set by the service alone"):
        gpu_world.patch("Pod", "one", {"metadata": {"annotations": {DEVICES: "0"}}}, "ai")


def test_cards_without_a_price_are_refused_with_what_the_operator_does(gpu_world: World) -> None:
    container = manifests.container()
    container["resources"] = {"limits": {"nvidia.com/gpu-tesla-v100-16GB": "1"}}
    with pytest.raises(Refused, match=r"manage.py set_price nvidia.com/gpu-tesla-v100-16GB"):
        gpu_world.create(manifests.pod("one", containers=[container]), "ai")


def test_the_pods_annotations_carry_its_cards_and_the_price_counts_them(gpu_world: World) -> None:
    answer = gpu_world.alice.create("Pod", clever("one"), "ai")
    annotations = answer.obj["metadata"]["annotations"]
    assert annotations["resource.cci.io/pod-size-specs"] == "8.00_32.0"
    assert annotations["resource.cci.io/pod-gpu-specs"] == f"{T4}_1"
    assert annotations["resource.cci.io/pod-size-reason"].startswith(f"1 x {T4} -> 8 cores, 32 GiB, 1 x {T4}: ")
    assert any("8 cores, 32 GiB, 1 x" in said and "0.003032 CNY/s" in said for said in answer.warnings)
    assert any("0/h -> 10.92/h" in said for said in answer.warnings)


def test_containers_share_the_pods_cards_out() -> None:
    def container(name: str, cards: int, **more: Any) -> dict[str, Any]:
        return {"name": name, "resources": {"limits": {T4: str(cards)}}, **more}

    spec = {
        "initContainers": [container("side", 1, restartPolicy="Always"), container("init", 2)],
        "containers": [container("app", 2), {"name": "none"}, container("more", 1)],
    }
    pod = {"metadata": {"annotations": {DEVICES: "4,5,6,7"}}, "spec": spec}
    assert gpus.of_containers(pod) == {
        "side": ("4",),
        "init": ("5", "6"),
        "app": ("5", "6"),
        "none": (),
        "more": ("7",),
    }
