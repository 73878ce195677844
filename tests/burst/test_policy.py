"""The admission webhook: which pods may go to CCI, and what the scheduler is told."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jsonpatch
import pytest

from burst import certificates, names, policy, serving, webhook
from burst.webhook import Webhook
from tests.burst.pods import pod
from tests.burst.worlds import World, world

JSON = dict[str, Any]


def labelled(value: str, **spec: Any) -> JSON:
    given = pod(**spec)
    given["metadata"]["labels"][names.POLICY_LABEL] = value
    return given


def patched(given: JSON, chosen: str) -> JSON:
    return dict(jsonpatch.apply_patch(given, policy.operations(given, chosen))["spec"])


def test_enforced_pods_run_in_cci_alone() -> None:
    seconds = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "tolerationSeconds": 300}
    spec = patched(pod(nodeSelector={"disk": "ssd"}, tolerations=[seconds]), policy.ENFORCE)
    assert spec["nodeSelector"] == {"disk": "ssd", "type": "virtual-kubelet"}
    assert spec["tolerations"][0]["tolerationSeconds"] == 900
    assert spec["tolerations"][1]["key"] == names.TAINT["key"]


@pytest.mark.parametrize(("chosen", "weights"), [(policy.AUTO, [60, 40]), (policy.LOCAL_PREFER, [100])])
def test_other_pods_may_go_there_and_like_local_nodes_better(chosen: str, weights: list[int]) -> None:
    spec = patched(pod(), chosen)
    terms = spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [term["weight"] for term in terms] == weights
    assert terms[0]["preference"]["matchExpressions"][0]["operator"] == "NotIn"
    assert "nodeSelector" not in spec


def test_what_the_pod_prefers_itself_stays() -> None:
    own = {"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}}
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [own]}, "podAffinity": {}}
    spec = patched(pod(affinity=affinity), policy.LOCAL_PREFER)
    assert spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0] == own
    assert spec["affinity"]["podAffinity"] == {}


def test_a_second_time_changes_nothing() -> None:
    for chosen in (policy.AUTO, policy.ENFORCE):
        once = pod() | {"spec": patched(pod(), chosen)}
        assert policy.operations(once, chosen) == []


def test_off_and_nothing_leave_a_pod_as_it_is() -> None:
    assert policy.operations(pod(), policy.OFF) == []
    assert policy.operations(pod(), "") == []


@pytest.fixture
async def cluster() -> AsyncIterator[World]:
    async with world() as made:
        yield made


async def asked(cluster: World, given: JSON, hook: Webhook | None = None) -> JSON:
    hook = hook or Webhook(cluster.cluster_api)
    return await hook.answer({"uid": "u", "namespace": "shop", "object": given})


def operations(answer: JSON) -> list[JSON]:
    return list(json.loads(base64.b64decode(answer["patch"]))) if "patch" in answer else []


async def test_the_label_of_a_pod_decides(cluster: World) -> None:
    answer = await asked(cluster, labelled("enforce"))
    assert answer["allowed"]
    changed = {"/spec/tolerations", "/spec/nodeSelector", "/metadata/labels"}
    assert {one["path"] for one in operations(answer)} == changed


async def test_the_annotation_of_earlier_versions_counts(cluster: World) -> None:
    given = pod()
    given["metadata"]["annotations"] = {names.POLICY_LABEL: "auto"}
    assert operations(await asked(cluster, given))


async def test_the_label_of_the_deployment_decides_where_the_pod_has_none(cluster: World) -> None:
    owner = {"kind": "ReplicaSet", "name": "web-1", "uid": "r", "controller": True}
    above = {"kind": "Deployment", "name": "web", "uid": "d", "controller": True}
    metadata = {"name": "web-1", "namespace": "shop", "uid": "r", "ownerReferences": [above]}
    cluster.cluster.put("replicasets", {"metadata": metadata})
    labels = {names.POLICY_LABEL: "localPrefer"}
    cluster.cluster.put("deployments", {"metadata": {"name": "web", "namespace": "shop", "uid": "d", "labels": labels}})
    given = pod()
    given["metadata"]["ownerReferences"] = [owner]
    assert operations(await asked(cluster, given))


async def test_a_pod_that_names_anothers_owner_changes_nothing_for_that_ones_pods(cluster: World) -> None:
    labels = {names.POLICY_LABEL: "enforce"}
    cluster.cluster.put("jobs", {"metadata": {"name": "j", "namespace": "shop", "uid": "theirs"}})
    cluster.cluster.put("jobs", {"metadata": {"name": "j", "namespace": "other", "uid": "own", "labels": labels}})
    hook = Webhook(cluster.cluster_api)
    given = pod()
    given["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "j", "uid": "theirs", "controller": True}]
    elsewhere = pod(namespace="other")
    elsewhere["metadata"]["ownerReferences"] = given["metadata"]["ownerReferences"]
    assert not operations(await asked(cluster, elsewhere, hook))
    assert not operations(await asked(cluster, given, hook))
    cluster.cluster.change("jobs", "other", "j", metadata={"uid": "theirs"})
    assert operations(await asked(cluster, elsewhere, hook))
    assert not operations(await asked(cluster, given, hook))


async def test_the_pods_own_off_is_stronger_than_its_owners_word(cluster: World) -> None:
    answer = await asked(cluster, labelled("off"))
    assert answer == {"uid": "u", "allowed": True}


async def test_daemonsets_and_the_nodes_network_never_go_and_are_told(cluster: World) -> None:
    answer = await asked(cluster, labelled("enforce", hostNetwork=True))
    assert "patch" not in answer
    assert answer["warnings"] == [f"{names.POLICY_LABEL} is passed over: the pod uses its node's network"]
    given = labelled("enforce")
    given["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "d", "uid": "d", "controller": True}]
    assert "patch" not in await asked(cluster, given)


async def test_a_word_that_means_nothing_is_told(cluster: World) -> None:
    answer = await asked(cluster, labelled("always"))
    assert "it is one of auto, localPrefer, enforce, off" in answer["warnings"][0]


async def test_a_cluster_that_does_not_answer_leaves_the_pod_as_it_is_and_is_counted(cluster: World) -> None:
    given = pod()
    given["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "j", "uid": "j", "controller": True}]
    cluster.cluster.refuse[("GET", "jobs")] = (500, "InternalError", "no")
    hook = Webhook(cluster.cluster_api)
    assert await asked(cluster, given, hook) == {"uid": "u", "allowed": True}
    assert "cci_burst_webhook_failures_total 1" in hook.measures()


async def test_a_profile_fills_the_local_place_first(cluster: World) -> None:
    location = {"local": {"maxNum": 1}}
    spec = {"objectLabels": {"matchLabels": {"app": "web"}}, "strategy": "localPrefer", "location": location}
    cluster.cluster.put("scheduleprofiles", {"metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
    first = operations(await asked(cluster, pod()))
    assert {one["path"] for one in first} == {"/spec/tolerations", "/spec/affinity", "/metadata/labels"}
    cluster.cluster.put("pods", pod(nodeName="worker-1"))
    second = operations(await asked(cluster, pod()))
    assert {one["path"] for one in second} == {"/spec/tolerations", "/spec/nodeSelector", "/metadata/labels"}


async def test_a_profile_says_where_pods_go_first_when_their_workload_shrinks(cluster: World) -> None:
    location = {"local": {"scaleDownPriority": 2}, "cci": {"scaleDownPriority": 10}}
    spec = {"objectLabels": {"matchLabels": {"app": "web"}}, "strategy": "auto", "location": location}
    cluster.cluster.put("scheduleprofiles", {"metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
    changed = jsonpatch.apply_patch(pod(), operations(await asked(cluster, pod())))
    annotations = changed["metadata"]["annotations"]
    assert annotations == {names.DELETION_COST: "-2", names.COST_THERE: "-10"}


async def test_replicas_share_one_certificate_and_the_cluster_knows_its_authority(cluster: World) -> None:
    one = await webhook.certificate(cluster.cluster_api, "kube-system", "cci-burst.kube-system.svc")
    other = await webhook.certificate(cluster.cluster_api, "kube-system", "cci-burst.kube-system.svc")
    assert one == other
    await webhook.configure(cluster.cluster_api, {"url": "https://127.0.0.1/mutate"}, one.authority)
    written = cluster.cluster.requests.copy()
    await webhook.configure(cluster.cluster_api, {"url": "https://127.0.0.1/mutate"}, one.authority)
    assert [request for request in cluster.cluster.requests[len(written) :] if request[0] != "GET"] == []
    (hook,) = cluster.cluster.named("mutatingwebhookconfigurations")["cci-burst"]["webhooks"]
    assert (hook["failurePolicy"], hook["sideEffects"]) == ("Ignore", "None")
    assert base64.b64decode(hook["clientConfig"]["caBundle"]).decode() == one.authority


async def test_it_answers_admission_reviews_by_https(cluster: World) -> None:
    bundle = certificates.make("127.0.0.1")
    context = certificates.server_context(bundle)
    server = await serving.serve(Webhook(cluster.cluster_api).handle, host="127.0.0.1", port=0, context=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/mutate"
    trust = ssl.create_default_context(cadata=bundle.authority)
    review = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "u", "object": labelled("auto")}}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=review, ssl=trust) as response:
            body = await response.json()
        async with session.post(url, data=b"nonsense", ssl=trust) as response:
            assert response.status == 400
    assert body["response"]["patchType"] == "JSONPatch"
    server.close()
