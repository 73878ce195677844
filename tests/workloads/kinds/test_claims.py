"""PersistentVolumeClaim and StorageClass: what is asked, what is refused and what may change."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests import manifests
from workloads.kinds import claimspecs, registry, storageclasses

KIND = registry.kind("PersistentVolumeClaim")
JSON = dict[str, Any]


def made(**changes: Any) -> JSON:
    obj = manifests.claim(**changes)
    KIND.default(obj)
    KIND.prepare(obj, None)
    return obj


def said(obj: JSON, old: JSON | None = None) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in KIND.validate(obj, old)]


def bound(size: str = "1Gi") -> JSON:
    obj = made(size=size)
    obj["spec"]["volumeName"] = "pvc-1"
    obj["status"] = {"phase": "Bound", "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"]}
    return obj


def cells(obj: JSON) -> dict[str, Any]:
    obj["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {column.name: column.cell(obj, 1767225660.0) for column in KIND.columns}


def test_a_claim_begins_pending_protected_and_in_the_default_class() -> None:
    obj = made()
    assert said(obj) == []
    assert obj["status"] == {"phase": "Pending"}
    assert obj["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert (obj["spec"]["storageClassName"], obj["spec"]["volumeMode"]) == ("sata", "Filesystem")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accessModes": []}, "spec.accessModes: Required value: at least 1 access mode is required"),
        ({"accessModes": ["Any"]}, 'spec.accessModes: Unsupported value: "Any"'),
        (
            {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]},
            "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
        ),
        ({"accessModes": ["ReadWriteMany"]}, "for ReadWriteMany use the class nfs-rw"),
        ({"resources": {}}, "spec.resources[storage]: Required value"),
        ({"size": "0"}, 'spec.resources[storage]: Invalid value: "0": must be greater than zero'),
        ({"storageClassName": "gp2"}, 'spec.storageClassName: Unsupported value: "gp2": supported values: "sata"'),
        ({"storageClassName": ""}, "leave it out for the default class"),
        ({"volumeMode": "Block"}, "spec.volumeMode: Forbidden: raw block devices are not offered"),
        ({"volumeMode": "Odd"}, 'spec.volumeMode: Unsupported value: "Odd"'),
        ({"volumeName": "pvc-1"}, "spec.volumeName: Forbidden: the service names the volume"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "spec.selector: Forbidden: there are no volumes to choose from"),
        ({"dataSource": {"kind": "VolumeSnapshot", "name": "x"}}, "spec.dataSource: Forbidden: is not supported yet"),
        ({"volumeAttributesClassName": "gold"}, "spec.volumeAttributesClassName: Forbidden: is not supported yet"),
    ],
)
def test_what_a_claim_may_not_ask_is_said(changes: JSON, words: str) -> None:
    assert any(words in sentence for sentence in said(made(**changes)))


def test_the_shared_class_is_written_to_by_many() -> None:
    assert said(made(storageClassName="nfs-rw", mode="ReadWriteMany")) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resources": {"requests": {"storage": "2Gi"}}}, []),
        ({"resources": {"requests": {"storage": "1024Mi"}}}, []),
        (
            {"resources": {"requests": {"storage": "500Mi"}}},
            ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"],
        ),
        ({"accessModes": ["ReadWriteOncePod"]}, [f"spec: Forbidden: {claimspecs.FROZEN}"]),
        ({"storageClassName": "ssd"}, [f"spec: Forbidden: {claimspecs.FROZEN}"]),
    ],
)
def test_a_bound_claim_may_grow_and_nothing_else(change: JSON, words: list[str]) -> None:
    old = bound()
    new = copy.deepcopy(old)
    new["spec"] |= change
    assert said(new, old) == words


def test_growth_that_found_no_room_can_be_taken_back() -> None:
    old = bound()
    old["spec"]["resources"]["requests"]["storage"] = "9Gi"
    new = copy.deepcopy(old)
    new["spec"]["resources"]["requests"]["storage"] = "2Gi"
    assert said(new, old) == []


def test_a_pending_claim_keeps_its_size() -> None:
    assert said(made(size="2Gi"), made()) == [f"spec: Forbidden: {claimspecs.FROZEN}"]


def test_what_an_update_leaves_out_stays() -> None:
    old, new = bound(), manifests.claim()
    KIND.default(new)
    KIND.prepare(new, old)
    assert said(new, old) == []
    assert new["spec"] == old["spec"]


def test_what_kubectl_prints_of_a_claim() -> None:
    assert cells(made()) == {
        "Name": "data",
        "Status": "Pending",
        "Volume": "",
        "Capacity": "",
        "Access Modes": "",
        "StorageClass": "sata",
        "VolumeAttributesClass": "<unset>",
        "Age": "60s",
        "VolumeMode": "Filesystem",
    }
    seen = cells(bound())
    assert [seen[name] for name in ("Status", "Volume", "Capacity", "Access Modes")] == ["Bound", "pvc-1", "1Gi", "RWO"]
    leaving = bound()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:30Z"
    assert cells(leaving)["Status"] == "Terminating"


def test_the_claims_of_a_pod_are_those_its_volumes_name() -> None:
    ephemeral = {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    pod = manifests.pod(volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "data"}}, ephemeral])
    assert claimspecs.of_pod(pod) == {"a": "data", "own": "one-own"}


def test_there_are_four_classes_and_one_is_the_default() -> None:
    names = [storageclasses.KIND.columns[0].cell(obj, 0.0) for obj in storageclasses.KIND.fixed]
    assert names == ["sata (default)", "sas", "ssd", "nfs-rw"]
