"""Bursting: clusters with their health, pods and cost, and the manifest that installs the add-on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from django.test import Client as Browser

from console import burstrows
from tests import manifests
from tests.console import scenes
from tests.console.test_pages import text_of
from workloads.kinds import bursting

JSON = dict[str, Any]
NAMESPACE = "cce-burst-c1"


@pytest.fixture
def cluster(db: None) -> None:
    """Cluster c1 was heard of just now and has a pod here."""
    scenes.namespace(NAMESPACE)
    told = {bursting.LOCAL_ANNOTATION: "12"}
    lease = {"metadata": {"name": bursting.LEASE, "annotations": told}, "spec": {"holderIdentity": "c1"}}
    made = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **lease}
    scenes.person().create("Lease", made, NAMESPACE)
    pod = manifests.pod("shop-web")
    pod["metadata"]["labels"] = {bursting.CLUSTER_LABEL: "c1"}
    scenes.person().create("Pod", pod, NAMESPACE)


def test_a_cluster_has_its_state_and_its_pods(cluster: None, browser: Browser) -> None:
    shown = text_of(browser, "/bursting/")
    assert "c1 cce-burst-c1 Connected" in shown
    assert "12 0/1" in shown


def test_the_add_on_is_offered_to_who_can_give_it_rights(
    cluster: None, browser: Browser, readers_browser: Browser
) -> None:
    who = "Who may create namespaces and pods in every namespace can install the add-on"
    assert "/bursting/install/" in browser.get("/bursting/").content.decode()
    assert who not in text_of(browser, "/bursting/install/")
    assert who in text_of(readers_browser, "/bursting/") and who in text_of(readers_browser, "/bursting/install/")
    assert "/bursting/install/" not in readers_browser.get("/bursting/").content.decode()


@pytest.mark.parametrize("said", ["", "-1", "many", "1" * 10, "١"])
def test_a_number_of_local_pods_that_is_none_is_not_shown(said: str) -> None:
    assert bursting.local_pods({"metadata": {"annotations": {bursting.LOCAL_ANNOTATION: said}}}) is None


def test_others_see_no_cluster_of_the_account(cluster: None, strangers_browser: Browser) -> None:
    assert "No cluster yet" in text_of(strangers_browser, "/bursting/")


@pytest.mark.parametrize(
    ("silent", "pods", "word", "sentence"),
    [
        (60, 1, "Connected", ""),
        (300, 1, "Silent", "silent for 5 minutes, its pods end in 11 minutes"),
        (300, 0, "Silent", "silent for 5 minutes"),
        (1000, 1, "Gone", "silent for 16 minutes: its pods are ended"),
    ],
)
def test_a_cluster_that_is_not_heard_of_says_for_how_long(silent: int, pods: int, word: str, sentence: str) -> None:
    lease = {"metadata": {"creationTimestamp": "2026-01-01T12:00:00Z"}}
    now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=silent)
    state = burstrows.of_cluster(lease, pods=pods, now=now)
    assert (state.word, state.sentence) == (word, sentence)


def test_the_manifest_is_of_this_service_and_this_cluster(db: None, browser: Browser) -> None:
    answer = browser.get("/bursting/manifest/?cluster=c-7")
    objects = {one["kind"]: one for one in yaml.safe_load_all(answer.content)}
    container = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert "--cluster-id=c-7" in container["args"]
    config = yaml.safe_load(objects["Secret"]["stringData"]["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"].startswith("https://")
    assert "--ak=YOUR_AK" in config["users"][0]["user"]["exec"]["args"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cci-burst.yaml"'


def allowed(content: bytes) -> set[tuple[str, str, str, str]]:
    """(namespace, resource, verb, name) of all rules; "*" for every namespace or name."""
    roles = [one for one in yaml.safe_load_all(content) if one["kind"] in ("Role", "ClusterRole")]
    return {
        (role["metadata"].get("namespace", "*"), resource, verb, name)
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ["*"])
    }


def test_the_add_on_may_change_its_own_node_leases_and_webhook_and_no_others(db: None, browser: Browser) -> None:
    content = browser.get("/bursting/manifest/?cluster=c1").content
    own = ("nodes", "nodes/status", "leases", "mutatingwebhookconfigurations")
    changes = {one for one in allowed(content) if one[1] in own and one[2] != "create"}
    assert {name for _, _, _, name in changes} == {"virtual-kubelet", "cci-burst"}
    assert {one[0] for one in allowed(content) if one[1] == "leases"} == {"kube-system", "kube-node-lease"}
    assert {one[0] for one in allowed(content) if one[1:3] == ("secrets", "create")} == {"kube-system"}
    bindings = [one for one in yaml.safe_load_all(content) if one["kind"] == "RoleBinding"]
    assert [one["metadata"]["namespace"] for one in bindings] == ["kube-system", "kube-node-lease"]


def test_what_the_manifest_says_to_the_add_on_is_understood(db: None, browser: Browser) -> None:
    from burst import options

    objects = yaml.safe_load_all(browser.get("/bursting/manifest/?cluster=c1").content)
    deployment = next(one for one in objects if one["kind"] == "Deployment")
    given = options.parse(deployment["spec"]["template"]["spec"]["containers"][0]["args"])
    assert (given.cluster_id, given.webhook_service, given.kubeconfig) == ("c1", "kube-system/cci-burst", "in-cluster")


def test_an_id_that_is_none_is_told(db: None, browser: Browser) -> None:
    assert "lower case letters, digits and dashes" in text_of(browser, "/bursting/install/?cluster=No_1")
    assert browser.get("/bursting/manifest/?cluster=No_1").status_code == 400


def test_the_way_to_install_it_has_five_steps(db: None, browser: Browser) -> None:
    shown = text_of(browser, "/bursting/install/")
    for number in range(1, 6):
        assert f"{number}. " in shown
