"""What pods find of their ServiceAccount: a token that is replaced before it runs out, the CA, and where the API is."""

from __future__ import annotations

from typing import Any

import pytest

from iam import pki
from tests import manifests
from tests.workloads.controllers.world import World
from workloads.client import InvalidToken, bearer
from workloads.meta.errors import Refused
from workloads.store import hosts

JSON = dict[str, Any]
PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"


def account(name: str = "robot", **rest: Any) -> JSON:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, **rest}


def shown(world: World, name: str = "one") -> dict[str, str]:
    """The files that the pod's containers find at the usual place."""
    pod = world.pod(name)
    mounts = pod["spec"]["containers"][0].get("volumeMounts") or []
    volume = next(mount["name"] for mount in mounts if mount["mountPath"] == PLACE)
    files = world.runtime.files(pod["metadata"]["uid"], volume)
    return {path: data.decode() for path, data in files.items()}


def projecting(**source: Any) -> JSON:
    """A pod with a token of its own choosing, and no other."""
    volume = {"name": "mine", "projected": {"sources": [{"serviceAccountToken": source}]}}
    made = manifests.pod(volumes=[volume], automountServiceAccountToken=False)
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "mine", "mountPath": PLACE}]
    return made


def test_a_pod_finds_token_certificate_and_namespace(world: World) -> None:
    made = world.create(manifests.pod())
    (volume,) = made["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert made["spec"]["containers"][0]["volumeMounts"] == [
        {"name": volume["name"], "readOnly": True, "mountPath": PLACE}
    ]
    world.settle()
    files = shown(world)
    assert (files["namespace"], files["ca.crt"]) == ("shop", pki.ensure().ca.read_text())
    assert bearer(files["token"]).identity.user == "system:serviceaccount:shop:default"


def test_init_containers_find_it_too_and_what_stands_at_the_place_stays(world: World) -> None:
    own = manifests.container("own") | {"volumeMounts": [{"name": "scratch", "mountPath": PLACE}]}
    init = manifests.container("first", command=("true",))
    volumes = [{"name": "scratch", "emptyDir": {}}]
    made = world.create(manifests.pod(initContainers=[init], containers=[own], volumes=volumes))
    assert [volume["name"][:15] for volume in made["spec"]["volumes"]] == ["scratch", "kube-api-access"]
    assert made["spec"]["initContainers"][0]["volumeMounts"][0]["mountPath"] == PLACE
    assert [mount["name"] for mount in made["spec"]["containers"][0]["volumeMounts"]] == ["scratch"]


@pytest.mark.parametrize(
    ("owner", "pod", "mounted"),
    [(None, False, False), (False, None, False), (False, True, True), (True, False, False), (None, None, True)],
)
def test_pod_and_account_may_say_no_and_the_pods_word_counts(
    world: World, owner: bool | None, pod: bool | None, mounted: bool
) -> None:
    world.create(account(**({} if owner is None else {"automountServiceAccountToken": owner})))
    said = {} if pod is None else {"automountServiceAccountToken": pod}
    made = world.create(manifests.pod(serviceAccountName="robot", **said))
    assert bool(made["spec"].get("volumes")) is mounted


def test_an_account_that_does_not_exist_is_refused(world: World) -> None:
    said = 'pods "one" is forbidden: error looking up service account shop/robot: serviceaccount "robot" not found'
    with pytest.raises(Refused, match=said):
        world.create(manifests.pod(serviceAccountName="robot"))


def test_the_token_is_another_one_at_80_percent_of_its_life_and_always_works(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    first = shown(world)["token"]
    world.advance(3607 * 0.8 - 10)
    assert shown(world)["token"] == first
    world.advance(20)
    second = shown(world)["token"]
    assert second != first and bearer(first) and bearer(second)
    for _ in range(8):
        world.advance(1000)
        bearer(shown(world)["token"])
    with pytest.raises(InvalidToken):
        bearer(first)


def test_looking_again_does_not_change_it_and_another_worker_makes_the_same(world: World) -> None:
    made = world.create(manifests.pod())
    world.settle()
    first = shown(world)["token"]
    world.reborn()
    world.happened(made)
    assert shown(world)["token"] == first


def test_a_pod_chooses_audience_path_and_life_of_a_token(world: World) -> None:
    world.create(projecting(audience="vault", expirationSeconds=600, path="deep/er"))
    world.settle()
    mine = shown(world)["deep/er"]
    assert bearer(mine, audiences=("vault",)).audiences == ("vault",)
    with pytest.raises(InvalidToken):
        bearer(mine)
    world.advance(481)
    assert shown(world)["deep/er"] != mine


def test_a_pod_in_a_young_namespace_waits_for_what_stands_in_it(world: World) -> None:
    world.delete("ServiceAccount", "default")
    standing, world.controllers = world.controllers, {k: v for k, v in world.controllers.items() if k != "standing"}
    world.create(manifests.pod())
    world.advance(1)
    assert world.pod()["status"]["phase"] == "Pending"
    assert 'serviceaccounts "default" not found' in world.events("FailedMount")[0]
    world.controllers = standing
    world.resync()
    world.settle()
    assert bearer(shown(world)["token"])
    assert world.pod()["status"]["phase"] == "Running"


def test_a_deleted_account_leaves_a_running_pod_its_files_and_no_rights(world: World) -> None:
    world.create(account())
    world.create(manifests.pod(serviceAccountName="robot"))
    world.settle()
    mine = shown(world)["token"]
    world.delete("ServiceAccount", "robot")
    world.advance(7200)
    assert shown(world)["token"] == mine
    assert "running" in world.container()["state"]
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_containers_are_told_where_the_api_is_when_pods_reach_it(world: World) -> None:
    hosts.put("node-1", hosts.API, {"address": "10.247.0.1"})
    app = manifests.container() | {"env": [{"name": "URL", "value": "https://$(KUBERNETES_SERVICE_HOST)/"}]}
    made = world.create(manifests.pod(containers=[app]))
    world.settle()
    spec = world.runtime.asked(made["metadata"]["uid"])
    variables = spec.containers[0].environment
    assert (variables["KUBERNETES_SERVICE_HOST"], variables["KUBERNETES_SERVICE_PORT"]) == ("10.247.0.1", "443")
    assert variables["KUBERNETES_PORT"] == variables["KUBERNETES_PORT_443_TCP"] == "tcp://10.247.0.1:443"
    assert variables["URL"] == "https://10.247.0.1/"
    assert "kubernetes.default.svc" in spec.services[0].names


def test_containers_are_told_nothing_of_a_door_that_is_shut(world: World) -> None:
    hosts.put("node-1", hosts.API, {"problem": "nobody answers"})
    made = world.create(manifests.pod())
    world.settle()
    spec = world.runtime.asked(made["metadata"]["uid"])
    assert not [name for name in spec.containers[0].environment if name.startswith("KUBERNETES")]
    assert spec.services == ()
