"""Claims: when they are bound, what their pods see, and what becomes of the data."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import GIB, World
from workloads.controllers.pods import claims as usage
from workloads.meta.errors import Invalid, MethodNotAllowed, NotFound, Refused
from workloads.meta.keys import Key, Uid
from workloads.node.claims import Keeper
from workloads.runtimes.claims import ClaimSpec
from workloads.store import objects

JSON = dict[str, Any]
PVC = "PersistentVolumeClaim"


def spec_of(claim: JSON) -> ClaimSpec:
    return ClaimSpec(Uid(claim["metadata"]["uid"]), "acme", claim["spec"]["storageClassName"])


def claim(world: World, name: str = "data", **changes: Any) -> JSON:
    """A new one, looked after."""
    world.create(manifests.claim(name, **changes))
    world.settle()
    return world.get(PVC, name)


def pod(world: World, name: str = "one", claim: str = "data", **spec: Any) -> JSON:
    world.create(manifests.claiming(name, claim, **spec))
    world.settle()
    return world.pod(name)


def phase(world: World, name: str = "one") -> str:
    return str(world.pod(name)["status"]["phase"])


def why(world: World, name: str = "one") -> str:
    conditions = world.pod(name)["status"]["conditions"]
    return str(next(one["message"] for one in conditions if one["type"] == "PodScheduled"))


def write(world: World, pod: JSON, path: str = "note", data: bytes = b"kept") -> None:
    world.runtime.write(Uid(pod["metadata"]["uid"]), "data", path, data)


def read(world: World, pod: JSON, path: str = "note") -> bytes | None:
    return world.runtime.file(Uid(pod["metadata"]["uid"]), "data", path)


def is_gone(world: World, kind: str, name: str) -> bool:
    try:
        world.get(kind, name)
    except NotFound:
        return True
    return False


# Binding


def test_a_claim_is_bound_as_soon_as_it_is_made(world: World) -> None:
    made = claim(world, size="2Gi")
    uid = made["metadata"]["uid"]
    assert made["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}}
    assert made["spec"]["volumeName"] == f"pvc-{uid}"
    assert made["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes"
    assert world.events("ProvisioningSucceeded") == [f"Successfully provisioned volume pvc-{uid}"]
    assert world.runtime.claims.exists(spec_of(made))


def test_a_claim_that_finds_no_room_waits_and_says_what_is_missing(world: World) -> None:
    world.runtime.claims.sizes[""] = 10 * GIB
    claim(world, "first", size="8Gi")
    second = claim(world, "second", size="5Gi")
    assert second["status"] == {"phase": "Pending"}
    assert world.events("ProvisioningFailed") == [
        'failed to provision volume with StorageClass "sata": '
        "5.0 GiB needed, 2.0 GiB free of other claims on this host, 3.0 GiB missing"
    ]
    world.delete(PVC, "first")
    world.settle()
    assert world.get(PVC, "second")["status"]["phase"] == "Bound"


def test_classes_on_disks_of_their_own_do_not_take_room_from_each_other(world: World) -> None:
    world.runtime.claims.disks["ssd"] = "fast"
    world.runtime.claims.sizes = {"": 4 * GIB, "fast": 4 * GIB}
    for name, storage_class in (("a", "sata"), ("b", "ssd"), ("c", "sas")):
        claim(world, name, size="3Gi", storageClassName=storage_class)
    phases = [world.get(PVC, name)["status"]["phase"] for name in ("a", "b", "c")]
    assert phases == ["Bound", "Bound", "Pending"]


def test_a_claim_grows_where_there_is_room(world: World) -> None:
    world.runtime.claims.sizes[""] = 10 * GIB
    claim(world, size="2Gi")
    for wanted, given in (("6Gi", "6Gi"), ("20Gi", "6Gi"), ("7Gi", "7Gi")):
        world.patch(PVC, "data", {"spec": {"resources": {"requests": {"storage": wanted}}}})
        world.settle()
        assert world.get(PVC, "data")["status"]["capacity"]["storage"] == given
    (failed,) = world.events("VolumeResizeFailed")
    assert failed.endswith("20.0 GiB needed, 10.0 GiB free of other claims on this host, 10.0 GiB missing")


def test_a_claim_does_not_shrink(world: World) -> None:
    claim(world, size="2Gi")
    with pytest.raises(Invalid, match=r"field can not be less than status\.capacity"):
        world.patch(PVC, "data", {"spec": {"resources": {"requests": {"storage": "1Gi"}}}})


def test_nobody_chooses_the_volume_of_a_claim(world: World) -> None:
    world.create(manifests.claim())
    with pytest.raises(Refused, match=r"spec\.volumeName is set by the service alone"):
        world.patch(PVC, "data", {"spec": {"volumeName": "pvc-of-somebody"}})


def test_a_claim_whose_data_vanished_is_lost_until_it_is_back(world: World) -> None:
    made = claim(world)
    world.runtime.claims.lose(spec_of(made))
    world.resync()
    world.settle()
    assert world.get(PVC, "data")["status"]["phase"] == "Lost"
    assert len(world.events("ClaimLost")) == 1
    pod(world)
    assert phase(world) == "Pending"
    assert "bound to non-existent persistentvolume" in why(world)
    world.runtime.claims.ensure(spec_of(made))
    world.resync()
    world.settle()
    assert phase(world) == "Running"


# Pods


def test_what_a_pod_wrote_the_next_one_reads(world: World) -> None:
    claim(world)
    write(world, pod(world))
    world.delete("Pod", "one", grace_seconds=0)
    world.settle()
    assert read(world, pod(world, "two")) == b"kept"


def test_pods_of_one_host_share_a_claim(world: World) -> None:
    claim(world)
    write(world, pod(world, "one"))
    assert read(world, pod(world, "two")) == b"kept"


def test_a_deployment_keeps_its_data_over_a_rolling_update(world: World) -> None:
    claim(world)
    web = manifests.deployment(replicas=1)
    web["spec"]["template"]["spec"] = manifests.claiming()["spec"]
    world.create(web)
    world.settle()
    write(world, world.all("Pod")[0])
    world.patch("Deployment", "web", {"spec": {"template": {"metadata": {"labels": {"round": "two"}}}}})
    world.advance(60)
    (after,) = world.all("Pod")
    assert after["metadata"]["labels"]["round"] == "two"
    assert read(world, after) == b"kept"


def test_a_pod_waits_for_a_claim_that_is_not_there_costs_nothing_and_wakes(world: World) -> None:
    waiting = pod(world)
    assert waiting["status"]["phase"] == "Pending"
    assert "lifecycle" not in waiting["status"]
    assert why(world) == '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    assert world.events("FailedScheduling") == [why(world)]
    claim(world)
    assert phase(world) == "Running"


def test_a_pod_waits_for_a_claim_that_has_no_volume(world: World) -> None:
    world.runtime.claims.sizes[""] = GIB
    claim(world, size="5Gi")
    pod(world)
    assert why(world) == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    world.runtime.claims.sizes[""] = 9 * GIB
    world.advance(31)
    assert phase(world) == "Running"


def test_a_claim_for_one_pod_is_had_by_one_at_a_time(world: World) -> None:
    claim(world, mode="ReadWriteOncePod")
    first = pod(world, "one", restartPolicy="Never")
    pod(world, "two")
    assert "ReadWriteOncePod access mode" in why(world, "two")
    world.exit(first)
    assert phase(world, "two") == "Running"


def test_who_names_a_claim_is_found_without_a_look_at_every_pod(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(world)
    pod(world)
    world.create(own("two"))
    world.create(manifests.pod("other"))
    world.settle()
    loaded: list[objects.Row] = []
    real = objects.scan

    def scan(*asked: Any, **more: Any) -> objects.Page:
        loaded.extend((page := real(*asked, **more)).rows)
        return page

    monkeypatch.setattr(objects, "scan", scan)
    named = [[row.key.name for row in usage.naming(Key("acme", PVC, "shop", name))] for name in ("data", "two-data")]
    assert named == [["one"], ["two"]]
    assert "other" not in {row.key.name for row in loaded}


def test_a_claim_can_be_mounted_to_be_read_only(world: World) -> None:
    claim(world)
    wanted = manifests.claiming()
    wanted["spec"]["volumes"][0]["persistentVolumeClaim"]["readOnly"] = True
    world.create(wanted)
    world.settle()
    assert phase(world) == "Running"


# Going


def test_a_claim_in_use_stays_until_its_pod_is_gone(world: World) -> None:
    made = claim(world)
    used_by = pod(world)
    write(world, used_by)
    world.delete(PVC, "data")
    world.settle()
    assert world.get(PVC, "data")["metadata"]["deletionTimestamp"]
    assert read(world, used_by) == b"kept"
    pod(world, "late")
    assert why(world, "late") == '0/1 nodes are available: persistentvolumeclaim "data" is being deleted.'
    world.delete("Pod", "one")
    world.advance(5)
    assert is_gone(world, PVC, "data")
    assert world.runtime.claims.removals == [spec_of(made)]


def test_a_pod_that_has_finished_does_not_hold_its_claim(world: World) -> None:
    claim(world)
    world.exit(pod(world, restartPolicy="Never"))
    world.delete(PVC, "data")
    world.settle()
    assert is_gone(world, PVC, "data")


def test_a_claim_of_the_same_name_begins_empty(world: World) -> None:
    claim(world)
    write(world, pod(world))
    world.delete("Pod", "one", grace_seconds=0)
    world.delete(PVC, "data")
    world.settle()
    claim(world)
    assert read(world, pod(world)) is None


def test_a_namespace_takes_its_claims_along(world: World) -> None:
    made = claim(world)
    pod(world)
    world.delete("Namespace", "shop", "")
    world.advance(30)
    assert is_gone(world, "Namespace", "shop")
    assert world.runtime.claims.removals == [spec_of(made)]


def test_what_the_finalizers_of_others_hold_loses_its_data_all_the_same(world: World) -> None:
    made = claim(world)
    world.patch(PVC, "data", {"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "shop.example.com/backup"]}})
    world.delete(PVC, "data")
    world.settle()
    assert world.get(PVC, "data")["metadata"]["finalizers"] == ["shop.example.com/backup"]
    assert world.runtime.claims.removals == [spec_of(made)]


# Claims of a pod's own


def own(name: str = "one") -> JSON:
    wanted = manifests.claiming(name)
    template = {"metadata": {"labels": {"of": "pod"}}, "spec": manifests.claim()["spec"]}
    wanted["spec"]["volumes"] = [{"name": "data", "ephemeral": {"volumeClaimTemplate": template}}]
    return wanted


def test_an_ephemeral_volume_lives_as_long_as_its_pod(world: World) -> None:
    world.create(own())
    world.settle()
    made = world.get(PVC, "one-data")
    assert (phase(world), made["metadata"]["labels"]) == ("Running", {"of": "pod"})
    world.delete("Pod", "one")
    world.advance(5)
    assert is_gone(world, PVC, "one-data")
    assert world.runtime.claims.removals == [spec_of(made)]


def test_an_ephemeral_volume_takes_nobody_elses_claim(world: World) -> None:
    claim(world, "one-data")
    world.create(own())
    world.settle()
    assert why(world).endswith("PVC shop/one-data was not created for pod shop/one (pod is not owner).")


# Counting and sweeping

WEEK = 7 * 24 * 3600


def test_what_is_in_a_claim_is_counted_and_told_when_it_is_too_much(world: World) -> None:
    claim(world, size="2Mi")
    write(world, pod(world), data=b"x" * 3 * 1024**2)
    Keeper(world.runtime).count()
    assert world.get(PVC, "data")["status"]["usage"] == {"bytes": 3 * 1024**2, "countedAt": "2026-01-01T12:00:03Z"}
    (told,) = world.events("VolumeOverSize")
    assert "the size is counted and not enforced" in told


def test_what_did_not_change_is_not_written_again(world: World) -> None:
    claim(world)
    keeper = Keeper(world.runtime)
    keeper.count()
    before = world.get(PVC, "data")
    keeper.count()
    assert world.get(PVC, "data") == before


def test_counting_finds_a_claim_whose_data_vanished(world: World) -> None:
    world.runtime.claims.lose(spec_of(claim(world)))
    Keeper(world.runtime).count()
    world.settle()
    assert world.get(PVC, "data")["status"]["phase"] == "Lost"


def test_data_that_nobody_knows_is_set_aside_after_an_hour_and_goes_after_a_week(world: World) -> None:
    known, stranger = claim(world), ClaimSpec(Uid("0b9e6b3c"), "acme", "sata")
    world.runtime.claims.ensure(stranger)
    keeper = Keeper(world.runtime)
    swept = [keeper.sweep()]
    for seconds in (3599, 1, WEEK - 1, 1):
        world.advance(seconds)
        swept.append(keeper.sweep())
    assert swept == [[], [], [stranger], [], [stranger]]
    assert world.runtime.claims.removals == [stranger]
    assert world.runtime.claims.exists(spec_of(known))


def test_a_claim_that_is_known_again_finds_its_data(world: World) -> None:
    claim(world)
    back = ClaimSpec(Uid("0b9e6b3c"), "acme", "sata")
    world.runtime.claims.ensure(back)
    files = world.runtime.claims.files(back)
    assert files is not None
    files["note"] = b"kept"
    keeper = Keeper(world.runtime)
    keeper.sweep()
    world.advance(3600)
    assert keeper.sweep() == [back]
    assert world.runtime.claims.files(back) == {"note": b"kept"}


def test_a_store_that_knows_no_claim_takes_no_data_away(world: World) -> None:
    world.runtime.claims.ensure(ClaimSpec(Uid("0b9e6b3c"), "acme", "sata"))
    keeper = Keeper(world.runtime)
    keeper.sweep()
    world.advance(7200)
    assert keeper.sweep() == []


# Classes


def test_classes_are_there_for_everybody_and_nobodys_to_change(world: World) -> None:
    names = [one["metadata"]["name"] for one in world.alice.list("StorageClass").items]
    assert names == ["nfs-rw", "sas", "sata", "ssd"]
    assert world.alice.list("StorageClass", field_selector="metadata.name=ssd").items == [
        world.alice.get("StorageClass", "ssd")
    ]
    with pytest.raises(MethodNotAllowed, match="can only be read"):
        world.alice.delete("StorageClass", "ssd")
    with pytest.raises(MethodNotAllowed, match="can only be read"):
        world.alice.create("StorageClass", {"metadata": {"name": "mine"}, "provisioner": "x"})
