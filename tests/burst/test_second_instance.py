"""The service's own API, started a second time, is the cluster: the add-on, a process, stands between two of them and
knows nothing of it. The cluster has a database, a port and certificates of its own, and nobody to run pods but the
add-on; CCI runs them on the simulated runtime."""

from __future__ import annotations

import base64
import logging
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from burst import names
from tests.burst.hands import Hands, hands
from tests.burst.pods import container, pod
from tests.burst.secondinstance import ADDRESS, AddOn, Cluster, find, second_instance, token, until
from tests.burst.test_cci import cci_config  # noqa: F401
from tests.burst.worlds import CCI_NAMESPACE
from tests.workloads.kubeapi.callers import JSON_PATCH, Api, is_status
from tests.workloads.kubeapi.conftest import (  # noqa: F401
    alice_user,
    api,
    call_as,
    certificates,
    cheap_passwords,
    data_dir,
    running_server,
    server,
)
from workloads.meta.keys import Uid

JSON = dict[str, Any]
log = logging.getLogger(__name__)
"""What is told here is shown where a test fails."""

IMAGE = "nginx:1.27"
NODE = f"/api/v1/nodes/{names.NODE}"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{names.NODE}"
THERE = f"/api/v1/namespaces/{CCI_NAMESPACE}/pods"
HOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/cci-burst"
LEFT_ALONE = {names.POLICY_LABEL: "off"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with second_instance() as started:
        yield started


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace of the cluster's, for one test."""
    name = cluster.namespace(f"shop-{secrets.token_hex(3)}")
    yield name
    cluster.empty(name)


@pytest.fixture
def cci(server: str, tmp_path: Path) -> Iterator[Hands]:  # noqa: F811
    made = hands(tmp_path, IMAGE)
    with made.at_work():
        yield made
    log.info("what CCI's controllers stumbled over: %s", made.errors)


@pytest.fixture
def add_on(cluster: Cluster, cci: Hands, cci_config: Path, tmp_path: Path) -> Iterator[AddOn]:  # noqa: F811
    """At work, for alice's account; the node is there."""
    made = AddOn(cluster, cci_config, tmp_path)
    made.start()
    try:
        until(lambda: (cluster.find(NODE) or {}).get("status"), what="the node")
        yield made
    finally:
        made.leave()
        log.info(made.said)


def test_the_node_is_one_of_the_clusters_until_it_is_taken_away(cluster: Cluster, add_on: AddOn, api: Api) -> None:  # noqa: F811
    node, lease = cluster.api.read(NODE), until(lambda: cluster.find(LEASE))
    assert names.NODE_LABELS.items() <= node["metadata"]["labels"].items()
    assert node["spec"]["taints"] == [names.TAINT]
    assert "Ready" in {one["type"] for one in node["status"]["conditions"] if one["status"] == "True"}
    quota = {"metadata": {"name": "most"}, "spec": {"hard": {"limits.cpu": "7", "limits.memory": "9Gi", "pods": "3"}}}
    api.make(f"/api/v1/namespaces/{CCI_NAMESPACE}/resourcequotas", quota)
    capacity = {"cpu": "7", "memory": "9Gi", "pods": "3"}
    until(lambda: capacity.items() <= cluster.api.read(NODE)["status"]["allocatable"].items())
    until(lambda: cluster.api.read(LEASE)["spec"]["renewTime"] > lease["spec"]["renewTime"])
    assert add_on.leave() == 0
    assert (cluster.find(NODE), cluster.find(LEASE)) == (None, None)
    assert find(api, f"/api/v1/namespaces/{CCI_NAMESPACE}")


def test_a_pod_that_is_bound_runs_in_cci_and_is_told_of(
    cluster: Cluster,
    shop: str,
    add_on: AddOn,
    cci: Hands,
    api: Api,  # noqa: F811
) -> None:
    make(cluster, shop, everything())
    assert not find(api, f"{THERE}/{shop}-web")
    cluster.bind(shop, "web")
    there = running(cluster, shop, api)
    status, uid = cluster.status(shop), Uid(there["metadata"]["uid"])
    assert (status["podIP"], status["hostIP"]) == (there["status"]["podIP"], ADDRESS)
    assert {"PodScheduled", "Initialized", "ContainersReady", "Ready"} <= true(status)
    until(lambda: {"Scheduled", "Pulled", "Created", "Started"} <= cluster.events(shop), what="its events")
    assert {"colour": b"blue", "key": b"s3cret"}.items() <= cci.runtime.files(uid, "v").items()
    assert cci.runtime.file(uid, "v", "namespace") == shop.encode()
    said = cci.runtime.file(uid, "v", "token").decode()
    review = cluster.api.post("/apis/authentication.k8s.io/v1/tokenreviews", json={"spec": {"token": said}}).json()
    assert review["status"]["user"]["username"] == f"system:serviceaccount:{shop}:default"
    cluster.api.change(f"/api/v1/namespaces/{shop}/configmaps/settings", {"data": {"colour": "green"}})
    until(lambda: cci.runtime.file(uid, "v", "colour") == b"green", what="the file of the ConfigMap")
    cci.exit(there, 3, container="main")
    until(lambda: cluster.status(shop)["containerStatuses"][0]["restartCount"] == 1, what="the restart")


def test_its_kubelet_asks_the_cluster_who_calls_and_what_they_may(cluster: Cluster, shop: str, add_on: AddOn) -> None:
    cluster.api.make(f"/api/v1/namespaces/{shop}/pods", placed(shop))
    with httpx.Client(verify=_anybody(), base_url=f"https://{ADDRESS}:{add_on.kubelet}", trust_env=False) as kubelet:

        def asked(bearer: str) -> httpx.Response:
            return kubelet.get("/pods", headers={"Authorization": f"Bearer {bearer}"})

        until(lambda: asked(token(cluster.kubeconfig)).json()["items"], what="the pod at the kubelet")
        assert asked(token(cluster.guest)).status_code == 403
        assert asked("nobody's").status_code == 401


def test_a_deletion_gives_the_pod_in_cci_its_grace_and_waits_for_its_end(
    cluster: Cluster,
    shop: str,
    add_on: AddOn,
    cci: Hands,
    api: Api,  # noqa: F811
) -> None:
    cluster.api.make(f"/api/v1/namespaces/{shop}/pods", placed(shop))
    running(cluster, shop, api)
    with cci.tied():
        cluster.delete(shop, grace=7)
        until(lambda: (find(api, f"{THERE}/{shop}-web") or {})["metadata"].get("deletionGracePeriodSeconds") == 7)
        assert cluster.pod(shop)["metadata"]["deletionGracePeriodSeconds"] == 7
    until(lambda: not cluster.pod(shop), what="the end of the pod")
    assert not find(api, f"{THERE}/{shop}-web")


def test_a_pod_that_the_webhook_was_asked_about_carries_its_workloads_policy(
    cluster: Cluster,
    shop: str,
    add_on: AddOn,
    api: Api,  # noqa: F811
) -> None:
    hook = until(lambda: registered(cluster, add_on))
    address, found = f"/api/v1/namespaces/{shop}/pods/web", owned(cluster, shop, policy="enforce")
    answer = reviewed(hook, found)
    patch = orjson.loads(base64.b64decode(answer["patch"]))
    patch.append({"op": "remove", "path": "/spec/schedulingGates"})
    changed = cluster.api.change(address, patch, type=JSON_PATCH)
    assert changed.status_code == 200, changed.text
    written = cluster.pod(shop)
    assert written["spec"]["nodeSelector"] == {"type": "virtual-kubelet"}
    assert names.TAINT["key"] in {one["key"] for one in written["spec"]["tolerations"]}
    assert written["metadata"]["labels"][names.POLICY_MARK] == "enforce"
    assert "patch" not in reviewed(hook, written | {"metadata": written["metadata"] | {"labels": LEFT_ALONE}})
    cluster.bind(shop, "web")
    running(cluster, shop, api)


def test_killed_and_begun_anew_it_goes_on_in_the_same_world(
    cluster: Cluster,
    shop: str,
    add_on: AddOn,
    api: Api,  # noqa: F811
) -> None:
    for name in ("stays", "goes", "lost"):
        cluster.api.make(f"/api/v1/namespaces/{shop}/pods", placed(shop, name))
    before = {name: running(cluster, shop, api, name)["metadata"]["uid"] for name in ("stays", "goes", "lost")}
    add_on.kill()
    cluster.delete(shop, "goes", grace=1)
    cluster.api.make(f"/api/v1/namespaces/{shop}/pods", placed(shop, "comes"))
    api.delete(f"{THERE}/{shop}-lost").raise_for_status()
    until(lambda: not find(api, f"{THERE}/{shop}-lost"), what="the end of what somebody deleted in CCI")
    add_on.start()
    running(cluster, shop, api, "comes")
    until(lambda: not cluster.pod(shop, "goes"), what="the end of what was deleted meanwhile")
    until(lambda: cluster.status(shop, "lost")["phase"] == "Failed", what="the word about what is lost")
    assert cluster.status(shop, "lost")["reason"] == "BurstPodLost"
    there = {one["metadata"]["name"]: one["metadata"]["uid"] for one in api.read(THERE)["items"]}
    assert there.keys() == {f"{shop}-stays", f"{shop}-comes"}
    assert there[f"{shop}-stays"] == before["stays"]


def test_what_a_clusters_administrator_may_nobody_may_in_cci(cluster: Cluster, api: Api, server: str) -> None:  # noqa: F811
    node = {"metadata": {"name": "mine"}}
    api.make("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    is_status(api.post("/api/v1/nodes", json=node), 405)
    is_status(api.post("/api/v1/namespaces/shop/pods", json=placed("shop")), 422)
    headers = {"Authorization": f"Bearer {token(cluster.guest)}"}
    is_status(cluster.api.post("/api/v1/nodes", json=node, headers=headers), 403)


def placed(namespace: str, name: str = "web") -> JSON:
    """Born on the node, as a DaemonSet's or somebody's who knows where it shall be."""
    made = pod(name, namespace=namespace)
    del made["metadata"]["uid"]
    return made


def everything() -> JSON:
    """Without a node, as most are born."""
    sources = [
        {"configMap": {"name": "settings"}},
        {"secret": {"name": "keys"}},
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    main = container(image=IMAGE, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    volumes = [{"name": "v", "projected": {"sources": sources}}]
    spec = {"containers": [main], "volumes": volumes, "tolerations": [{"operator": "Exists"}]}
    return {"metadata": {"name": "web"}, "spec": spec}


def make(cluster: Cluster, namespace: str, manifest: JSON) -> None:
    """With the ConfigMap and the Secret that it uses."""
    place = f"/api/v1/namespaces/{namespace}"
    cluster.api.make(f"{place}/configmaps", {"metadata": {"name": "settings"}, "data": {"colour": "blue"}})
    cluster.api.make(f"{place}/secrets", {"metadata": {"name": "keys"}, "stringData": {"key": "s3cret"}})
    cluster.api.make(f"{place}/pods", manifest)


def running(cluster: Cluster, namespace: str, api: Api, name: str = "web") -> JSON:  # noqa: F811
    """The pod in CCI, when the cluster says that its own is ready."""
    until(lambda: "Ready" in true(cluster.status(namespace, name)), what=f"{name} is ready")
    return api.read(f"{THERE}/{namespace}-{name}")


def true(status: JSON) -> set[str]:
    return {one["type"] for one in status.get("conditions") or [] if one["status"] == "True"}


def registered(cluster: Cluster, add_on: AddOn) -> JSON:
    """The webhook as the cluster's API server finds it; {} until this add-on has written it."""
    hook = (cluster.find(HOOK) or {"webhooks": [{"clientConfig": {}}]})["webhooks"][0]
    return hook if hook["clientConfig"].get("url") == add_on.webhook_url else {}


def owned(cluster: Cluster, namespace: str, *, policy: str) -> JSON:
    """A pod of a Deployment's, which a scheduling gate holds up, as the API has completed it."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container(image=IMAGE)]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    workload = {"metadata": {"name": "web", "labels": {names.POLICY_LABEL: policy}}, "spec": spec}
    owner = cluster.api.make(f"/apis/apps/v1/namespaces/{namespace}/deployments", workload)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner["metadata"]["uid"]}
    metadata = {"name": "web", "labels": {"app": "web"}, "ownerReferences": [reference | {"controller": True}]}
    gated = template["spec"] | {"schedulingGates": [{"name": "example.com/reviewed"}]}
    return cluster.api.make(f"/api/v1/namespaces/{namespace}/pods", {"metadata": metadata, "spec": gated})


def reviewed(hook: JSON, obj: JSON) -> JSON:
    """What the webhook answers to the cluster's API server."""
    trust = ssl.create_default_context(cadata=base64.b64decode(hook["clientConfig"]["caBundle"]).decode())
    request = {"uid": "r-1", "operation": "CREATE", "namespace": obj["metadata"]["namespace"], "object": obj}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    answer = httpx.post(hook["clientConfig"]["url"], json=review, verify=trust, trust_env=False).json()["response"]
    assert (answer["uid"], answer["allowed"]) == ("r-1", True)
    return dict(answer)


def _anybody() -> ssl.SSLContext:
    """The kubelet's certificate is its own as long as nobody approves its request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
