"""The virtual node as kubectl sees it, and pods that are evicted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests import manifests
from workloads.kinds import nodes
from workloads.store import hosts

POD = "/api/v1/namespaces/shop/pods/one"
NODE = "node-1"


def word(at: datetime) -> dict:
    said = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "name": NODE,
        "at": said,
        "born": said,
        "address": "192.0.2.7",
        "cpu_millis": 4000,
        "memory_bytes": 8 << 30,
        "allocatable_bytes": 7 << 30,
        "cards": {"nvidia.com/gpu-tesla-t4": 2},
        "id": "x",
        "architecture": "amd64",
        "kernel": "6.1.0",
        "system": "Debian GNU/Linux 12 (bookworm)",
        "runtime": "docker://20.10.24",
    }


@pytest.fixture
def node(transactional_db: None) -> str:
    hosts.put(NODE, hosts.NODE, word(datetime.now(UTC)))
    return NODE


def test_it_gets_describes_and_cannot_drain_the_node(node, api, shop, kubectl):
    kube = kubectl("1.33")
    header, row = kube("get", "nodes", "-o", "wide").splitlines()
    assert header.split()[:5] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert header.split()[5:] == ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"]
    assert row.split()[:3] == [NODE, "Ready", "agent"] and "docker://20.10.24" in row
    described = kube("describe", "node", NODE)
    assert "kubernetes.io/hostname=node-1" in described and "Allocated resources" in described
    for verb in ("drain", "cordon"):
        assert "they can only be read" in kube.run(verb, NODE).stderr


def test_everybody_sees_the_same_node_and_nothing_of_others(node, api, other_api, shop):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    mine, theirs = (one.read(f"/api/v1/nodes/{NODE}") for one in (api, other_api))
    assert mine == theirs
    assert mine["status"]["allocatable"]["cpu"] == "4"
    assert mine["status"]["capacity"]["nvidia.com/gpu-tesla-t4"] == "2"
    assert other_api.read("/api/v1/pods", fieldSelector=f"spec.nodeName={NODE}")["items"] == []
    assert api.read("/api/v1/nodes", labelSelector="kubernetes.io/os=windows")["items"] == []
    for method in (api.delete, api.put):
        assert method(f"/api/v1/nodes/{NODE}").status_code in (400, 405)


def test_before_the_agent_has_spoken_there_is_no_node(api):
    assert api.read("/api/v1/nodes")["items"] == []


def test_a_node_whose_agent_is_silent_is_not_ready() -> None:
    now = datetime.now(UTC)
    quiet = nodes.node(word(now - timedelta(minutes=5)), short_of_disk="", now=now)
    assert {one["status"] for one in quiet["status"]["conditions"]} == {"Unknown"}
    assert nodes.KIND.columns[1].cell(quiet, 0.0) == "NotReady"
    full = nodes.node(word(now), short_of_disk="the disk is full", now=now)
    (pressure,) = [one for one in full["status"]["conditions"] if one["type"] == "DiskPressure"]
    assert (pressure["status"], pressure["message"]) == ("True", "the disk is full")


def evict(api, **body):
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one", "namespace": "shop"}, **body}
    return api.post(f"{POD}/eviction", json=eviction)


def test_an_evicted_pod_is_asked_to_go(api, shop):
    uid = api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))["metadata"]["uid"]
    assert evict(api, deleteOptions={"dryRun": ["All"]}).status_code == 201
    assert evict(api, deleteOptions={"preconditions": {"uid": "other"}}).status_code == 409
    assert "deletionTimestamp" not in api.read(POD)["metadata"]
    answer = evict(api, deleteOptions={"gracePeriodSeconds": 7, "preconditions": {"uid": uid}})
    assert answer.status_code == 201 and answer.json()["status"] == "Success"
    assert api.read(POD)["metadata"]["deletionGracePeriodSeconds"] == 7
    assert evict(api, metadata={"name": "two"}).status_code == 400
    assert api.post("/api/v1/namespaces/shop/pods/no/eviction", json={}).status_code == 404


def test_evictions_are_found_where_drain_looks_for_them(api):
    listed = api.read("/api/v1")["resources"]
    (found,) = [one for one in listed if one["name"] == "pods/eviction"]
    assert (found["group"], found["version"], found["kind"], found["verbs"]) == ("policy", "v1", "Eviction", ["create"])
    assert orjson.dumps(found)
