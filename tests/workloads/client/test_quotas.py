"""ResourceQuotas and LimitRanges: what a namespace may have at most, and what its pods ask at least."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, DeleteOptions, WriteOptions
from workloads.kinds import podspecs, registry
from workloads.meta.errors import Invalid, Refused
from workloads.store import changes

JSON = dict[str, Any]


def quota(client: Client, hard: JSON, **spec: Any) -> JSON:
    manifest = {"metadata": {"name": "rule"}, "spec": {"hard": hard, **spec}}
    return client.create("ResourceQuota", manifest, "shop").obj


def limit(client: Client, **item: Any) -> Any:
    manifest = {"metadata": {"name": "rule"}, "spec": {"limits": [{"type": "Container", **item}]}}
    return client.create("LimitRange", manifest, "shop")


def bare(name: str = "one", **resources: Any) -> JSON:
    pod = manifests.pod(name)
    pod["spec"]["containers"][0]["resources"] = resources
    return pod


def make(client: Client, pod: JSON, **options: Any) -> JSON:
    return client.create("Pod", pod, "shop", options=WriteOptions(**options)).obj


def test_pods_beyond_the_quota_are_refused_in_kubernetes_words(client: Client, shop: JSON) -> None:
    quota(client, {"pods": "1", "requests.cpu": "400m", "limits.memory": "4Gi"})
    make(client, manifests.pod("one"))
    with pytest.raises(Refused) as refused:
        make(client, manifests.pod("two"))
    assert refused.value.message == (
        'pods "two" is forbidden: exceeded quota: rule, requested: pods=1,requests.cpu=250m, '
        "used: pods=1,requests.cpu=250m, limited: pods=1,requests.cpu=400m"
    )
    with pytest.raises(Refused, match="exceeded quota: rule"):
        make(client, manifests.pod("two"), dry_run=True)


def test_ended_pods_take_nothing_but_count_as_objects(client: Client, controller: Client, shop: JSON) -> None:
    quota(client, {"pods": "1", "count/pods": "2"})
    one = make(client, manifests.pod("one"))
    ended = {**one, "status": {**one["status"], "phase": "Succeeded"}}
    controller.update("Pod", "one", ended, "shop", subresource="status")
    make(client, manifests.pod("two"))
    with pytest.raises(Refused, match="requested: count/pods=1,pods=1, used: count/pods=2,pods=1"):
        make(client, manifests.pod("three"))


@pytest.mark.parametrize(
    ("resource", "kind", "manifest"),
    [
        ("count/deployments.apps", "Deployment", manifests.deployment("x")),
        ("services", "Service", manifests.service("x")),
        ("services.loadbalancers", "Service", manifests.service("x", type="LoadBalancer")),
        ("configmaps", "ConfigMap", {"metadata": {"name": "x"}}),
        ("requests.storage", "PersistentVolumeClaim", manifests.claim("x")),
        ("sata.storageclass.storage.k8s.io/persistentvolumeclaims", "PersistentVolumeClaim", manifests.claim("x")),
        ("count/leases.coordination.k8s.io", "Lease", {"metadata": {"name": "x"}}),
    ],
)
def test_other_things_are_counted(client: Client, shop: JSON, resource: str, kind: str, manifest: JSON) -> None:
    quota(client, {resource: "0"})
    with pytest.raises(Refused, match=f"exceeded quota: rule, requested: {resource}="):
        client.create(kind, manifest, "shop")


def test_what_grows_later_is_counted_then(client: Client, shop: JSON) -> None:
    quota(client, {"services.loadbalancers": "0", "services": "1"})
    client.create("Service", manifests.service(), "shop")
    with pytest.raises(Refused, match=r"services.loadbalancers=1"):
        client.patch("Service", "web", {"spec": {"type": "LoadBalancer"}}, "application/merge-patch+json", "shop")


def test_scopes_choose_the_pods(client: Client, shop: JSON) -> None:
    quota(client, {"pods": "0"}, scopes=["Terminating"])
    make(client, manifests.pod("one"))
    with pytest.raises(Refused, match="exceeded quota"):
        make(client, manifests.pod("two", activeDeadlineSeconds=60))


def test_a_pod_that_names_nothing_counts_with_its_billed_size(client: Client, shop: JSON) -> None:
    quota(client, {"requests.cpu": "100m"})
    with pytest.raises(Refused, match=r"requested: requests.cpu=250m"):
        make(client, bare())


@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_the_quota_lets_through_what_fits(client: Client, alice: Identity) -> None:
    client.create("Namespace", manifests.namespace("shop"))
    quota(client, {"pods": "2"})
    outcomes: list[str] = []

    def ask(name: str) -> None:
        try:
            make(Client(alice), manifests.pod(name))
            outcomes.append("made")
        except Refused:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask, args=(f"pod-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] * 2 + ["refused"] * 4


def test_what_ended_or_went_leaves_its_place(client: Client, controller: Client, shop: JSON) -> None:
    quota(client, {"pods": "2", "requests.cpu": "500m"})
    for name in ("one", "two"):
        make(client, manifests.pod(name))
    controller.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))
    ended = {**client.get("Pod", "two", "shop"), "status": {"phase": "Succeeded"}}
    controller.update("Pod", "two", ended, "shop", subresource="status")

    for name in ("three", "four"):
        make(client, manifests.pod(name))
    with pytest.raises(Refused, match=r"used: pods=2,requests.cpu=500m"):
        make(client, manifests.pod("five"))


def test_pods_that_are_there_are_counted_once_and_not_for_each_new_one(client: Client, shop: JSON) -> None:
    quota(client, {"pods": "10"})
    make(client, manifests.pod("one"))
    with CaptureQueriesContext(connection) as captured:
        make(client, manifests.pod("two"))

    asked = [query["sql"] for query in captured.captured_queries if query["sql"].startswith("SELECT")]
    assert not [sql for sql in asked if "workloads_object" in sql and "'Pod'" in sql], asked


def test_a_count_from_a_log_that_was_trimmed_since_is_not_relied_on(client: Client, shop: JSON) -> None:
    quota(client, {"pods": "3"})
    for name in ("one", "two"):
        make(client, manifests.pod(name))
    changes.trim(keep=1, older_than=datetime.now(UTC) + timedelta(hours=1))

    make(client, manifests.pod("three"))
    with pytest.raises(Refused, match=r"used: pods=3"):
        make(client, manifests.pod("four"))


def test_what_was_taken_back_is_not_counted(client: Client, shop: JSON) -> None:
    quota(client, {"pods": "1"})
    with pytest.raises(LookupError), transaction.atomic():
        make(client, manifests.pod("one"))
        with pytest.raises(Refused):
            make(client, manifests.pod("two"))
        raise LookupError

    make(client, manifests.pod("three"))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"hard": {"odd": "1"}}, "must be a standard resource for quota"),
        ({"hard": {"pods": "1500m"}}, "must be an integer"),
        ({"hard": {"cpu": "-1"}}, "must be greater than or equal to 0"),
        ({"hard": {"pods": "1"}, "scopes": ["PriorityClass"]}, "all pods have the same priority"),
        ({"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}, "conflicting scopes"),
        ({"hard": {"services": "1"}, "scopes": ["Terminating"]}, "unsupported scope applied to resource services"),
    ],
)
def test_a_quota_may_not_say(client: Client, shop: JSON, spec: JSON, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        client.create("ResourceQuota", {"metadata": {"name": "rule"}, "spec": spec}, "shop")


def test_quotas_are_printed_as_kubectl_knows_them() -> None:
    columns = registry.kind("ResourceQuota").columns
    status = {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1", "limits.cpu": "500m"}}
    obj = {"metadata": {"name": "rule"}, "spec": {}, "status": status}
    assert [column.name for column in columns] == ["Name", "Request", "Limit", "Age"]
    assert [column.cell(obj, 0.0) for column in columns[:3]] == ["rule", "pods: 1/4", "limits.cpu: 500m/2"]


def test_a_limit_range_fills_in_what_a_pod_does_not_say_and_that_is_billed(client: Client, shop: JSON) -> None:
    limit(client, default={"cpu": "1", "memory": "2Gi"})
    pod = make(client, bare())
    size = {"cpu": "1", "memory": "2Gi"}
    assert pod["spec"]["containers"][0]["resources"] == {"limits": size, "requests": size}
    assert pod["metadata"]["annotations"][podspecs.ANNOTATION] == "1.00_2.0"
    assert pod["status"]["qosClass"] == "Guaranteed"
    assert "cpu, memory request for container app" in pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"]


def test_what_a_pod_says_is_left_alone(client: Client, shop: JSON) -> None:
    limit(client, default={"cpu": "1", "memory": "2Gi"})
    pod = make(client, bare(requests={"cpu": "500m", "memory": "1Gi"}))
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi"}


def test_requests_equal_limits_and_who_says_otherwise_is_told(client: Client, shop: JSON) -> None:
    said = limit(client, default={"cpu": "1", "memory": "2Gi"}, defaultRequest={"cpu": "500m"}).warnings
    assert said == ("requests equal limits here: default counts for cpu, defaultRequest does not",)


def test_pods_out_of_range_are_refused_in_kubernetes_words(client: Client, shop: JSON) -> None:
    limit(client, min={"cpu": "500m"}, max={"memory": "1Gi"})
    with pytest.raises(Refused) as refused:
        make(client, bare(requests={"cpu": "250m", "memory": "2Gi"}))
    assert refused.value.message == (
        'pods "one" is forbidden: [minimum cpu usage per Container is 500m, but request is 250m, '
        "maximum memory usage per Container is 1Gi, but limit is 2Gi]"
    )


def test_claims_and_whole_pods_have_ranges(client: Client, shop: JSON) -> None:
    limits = [{"type": "Pod", "max": {"cpu": "200m"}}, {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}}]
    client.create("LimitRange", {"metadata": {"name": "rule"}, "spec": {"limits": limits}}, "shop")
    with pytest.raises(Refused, match="maximum cpu usage per Pod is 200m, but limit is 250m"):
        make(client, manifests.pod())
    with pytest.raises(Refused, match="maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"):
        client.create("PersistentVolumeClaim", manifests.claim(size="3Gi"), "shop")


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"min": {"cpu": "2"}, "max": {"cpu": "1"}}, "min value 2 is greater than max value 1"),
        ({"default": {"cpu": "2"}, "max": {"cpu": "1"}}, "default value 2 is greater than max value 1"),
        ({"max": {"storage": "1"}}, "Unsupported value"),
        ({"type": "Pod", "default": {"cpu": "1"}}, "may not be specified when `type` is 'Pod'"),
        ({"type": "PersistentVolumeClaim"}, "either minimum or maximum storage value is required"),
        ({"maxLimitRequestRatio": {"cpu": "500m"}}, "is less than 1"),
    ],
)
def test_a_limit_range_may_not_say(client: Client, shop: JSON, item: JSON, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        limit(client, **item)
