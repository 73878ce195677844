"""What is off the grid is refused with the way out, or rounded where that is the policy, and said with the price."""

from __future__ import annotations

from typing import Any

import pytest

from billing import client as billing
from iam.identities import Identity
from iam.models import Account
from tests import manifests
from workloads.admission import hooks
from workloads.client import Answer, Client, WriteOptions
from workloads.kinds.grids import Specification
from workloads.meta.errors import Invalid, Refused
from workloads.store import hosts

SIZE = "resource.cci.io/pod-size-specs"
MERGE = "application/merge-patch+json"


@pytest.fixture
def client(db: None, alice: Identity) -> Client:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    return client


@pytest.fixture(autouse=True)
def no_price_notices():
    """What billing says of every wish has its own tests; here only sizes speak."""
    hooks.unregister(billing.price_notice)
    yield
    hooks.register_on_admit(billing.price_notice)


@pytest.fixture
def prices():
    def price(flavor: str, size: Specification) -> str:
        return f"{size.cpu_millis}m/{size.memory_mib}Mi of {flavor} for 1 CNY/s"

    yield hooks.register_price(price)
    hooks.unregister(price)


def pod(cpu: str | None, memory: str | None, name: str = "one") -> dict[str, Any]:
    container = manifests.container()
    size = {"cpu": cpu, "memory": memory}
    container["resources"] = {"limits": {key: value for key, value in size.items() if value}}
    return manifests.pod(name, containers=[container])


def size_of(obj: dict[str, Any]) -> str:
    return obj["metadata"]["annotations"][SIZE]


def told(answer: Answer) -> list[str]:
    """What was said of the size; billing's own words apart."""
    return [warning for warning in answer.warnings if warning.startswith("pod size")]


def test_a_pod_on_the_grid_is_billed_as_asked_and_nothing_is_said(client):
    answer = client.create("Pod", pod("500m", "1Gi"), "shop")

    assert size_of(answer.obj) == "0.50_1.0"
    assert told(answer) == []


def test_requests_are_filled_from_limits(client):
    (container,) = client.create("Pod", pod("500m", "1Gi"), "shop").obj["spec"]["containers"]

    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}


def test_a_refusal_names_field_rule_asked_and_the_nearest_sizes_with_their_price(client, prices):
    with pytest.raises(Invalid) as refused:
        client.create("Pod", pod("1", "1Gi"), "shop")

    (cause,) = refused.value.causes
    assert cause.field == "spec.containers[0].resources"
    assert "1 core, 1 GiB" in cause.message
    assert "2 to 8 GiB of memory per core" in cause.message
    assert "1 core, 2 GiB (1000m/2048Mi of general-computing for 1 CNY/s)" in cause.message
    assert "0.5 cores, 1 GiB (500m/1024Mi of general-computing for 1 CNY/s)" in cause.message
    assert client.count("Pod") == 0


def test_a_deployment_is_refused_at_its_template(client):
    manifest = manifests.deployment("web", containers=pod("300m", "1Gi")["spec"]["containers"])

    with pytest.raises(Invalid, match=r'Deployment.apps "web" is invalid') as refused:
        client.create("Deployment", manifest, "shop")

    assert refused.value.causes[0].field == "spec.template.spec.containers[0].resources.limits.cpu"


def test_jobs_and_cronjobs_are_refused_at_their_templates(client):
    containers = pod("300m", "1Gi")["spec"]["containers"]
    for manifest, at in (
        (manifests.job(), "spec.template"),
        (manifests.cronjob(), "spec.jobTemplate.spec.template"),
    ):
        template = manifest["spec"].get("jobTemplate", manifest)["spec"]["template"]
        template["spec"]["containers"] = containers
        with pytest.raises(Invalid) as refused:
            client.create(manifest["kind"], manifest, "shop")
        assert refused.value.causes[0].field == f"{at}.spec.containers[0].resources.limits.cpu"


def test_containers_without_resources_get_the_smallest_size_and_are_told_the_price(client, prices):
    answer = client.create("Pod", pod(None, None), "shop")

    assert size_of(answer.obj) == "0.25_1.0"
    (warning,) = told(answer)
    assert "no resources requested" in warning
    assert "0.25 cores, 1 GiB (250m/1024Mi of general-computing for 1 CNY/s) billed" in warning


def test_a_template_is_left_as_it_was_written(client):
    manifest = manifests.deployment("web", containers=pod(None, None)["spec"]["containers"])

    answer = client.create("Deployment", manifest, "shop")

    assert SIZE not in answer.obj["spec"]["template"]["metadata"].get("annotations", {})
    assert len(told(answer)) == 1


def test_a_chosen_size_is_kept_and_must_hold_the_containers(client):
    manifest = pod("500m", "1Gi")
    manifest["metadata"]["annotations"] = {SIZE: "2.00_4.0"}
    assert size_of(client.create("Pod", manifest, "shop").obj) == "2.00_4.0"

    too_large = pod("4", "8Gi", name="two")
    too_large["metadata"]["annotations"] = {SIZE: "2.00_4.0"}
    with pytest.raises(Invalid, match="do not fit into 2 cores, 4 GiB"):
        client.create("Pod", too_large, "shop")


def test_the_namespace_may_round(client, prices):
    client.patch("Namespace", "shop", {"metadata": {"annotations": {"resource.cci.io/auto-normalize": "true"}}}, MERGE)

    answer = client.create("Pod", pod("100m", "100Mi"), "shop")

    assert size_of(answer.obj) == "0.25_1.0"
    assert "0.25 cores, 1 GiB (250m/1024Mi" in told(answer)[0]
    assert "CPU of a pod must be 0.25-32 cores" in told(answer)[0]


def test_the_account_may_round(client):
    Account.objects.create(name="acme", off_grid="round")

    assert size_of(client.create("Pod", pod("3100m", "10752Mi"), "shop").obj) == "3.25_11.0"


def test_the_operator_may_round_and_the_account_refuse(client, settings):
    settings.OFF_GRID = "round"
    assert size_of(client.create("Pod", pod("1", "10Gi"), "shop").obj) == "1.25_10.0"

    Account.objects.create(name="acme", off_grid="refuse")
    with pytest.raises(Invalid):
        client.create("Pod", pod("1", "10Gi", name="two"), "shop")


def test_more_than_the_largest_is_refused_even_where_sizes_are_rounded(client, settings):
    settings.OFF_GRID = "round"

    with pytest.raises(Invalid):
        client.create("Pod", pod("65", "130Gi"), "shop")


def test_a_dry_run_warns_as_well(client):
    answer = client.create("Pod", pod(None, None), "shop", options=WriteOptions(dry_run=True))

    assert size_of(answer.obj) == "0.25_1.0"
    assert len(told(answer)) == 1


def test_a_changed_template_is_judged_again(client):
    client.create("Deployment", manifests.deployment("web"), "shop")
    limits = {"limits": {"cpu": "300m", "memory": "1Gi"}, "requests": None}
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "resources": limits}]}}}}

    with pytest.raises(Invalid, match=r"multiple of 0\.25"):
        client.patch("Deployment", "web", patch, "application/strategic-merge-patch+json", "shop")


def test_scaling_does_not_judge_the_template_again(client, settings):
    settings.OFF_GRID = "round"
    manifest = manifests.deployment("web", containers=pod("100m", "100Mi")["spec"]["containers"])
    client.create("Deployment", manifest, "shop")
    settings.OFF_GRID = "refuse"

    client.patch("Deployment", "web", {"spec": {"replicas": 5}}, MERGE, "shop", subresource="scale")

    assert client.get("Deployment", "web", "shop")["spec"]["replicas"] == 5


def test_a_pod_keeps_its_size_for_life(client):
    client.create("Pod", pod("500m", "1Gi"), "shop")

    with pytest.raises(Invalid, match="a pod keeps the specification it is billed for"):
        client.patch("Pod", "one", {"metadata": {"annotations": {SIZE: "0.25_1.0"}}}, MERGE, "shop")


def test_an_update_that_leaves_the_size_out_keeps_it(client):
    made = client.create("Pod", pod("500m", "1Gi"), "shop").obj
    head = client.revision()
    del made["metadata"]["annotations"]

    assert size_of(client.update("Pod", "one", made, "shop").obj) == "0.50_1.0"
    assert client.revision() == head


def test_where_a_pod_runs_is_not_for_users_to_say(client):
    made = client.create("Pod", pod("500m", "1Gi"), "shop").obj
    made["spec"]["nodeName"] = "mine"

    with pytest.raises(Refused, match=r"spec.nodeName is set by the service alone"):
        client.update("Pod", "one", made, "shop")

    hands = Client(Identity.controller("pods", "acme"))
    assert hands.update("Pod", "one", made, "shop").obj["spec"]["nodeName"] == "mine"


def test_a_size_that_no_host_of_ours_can_hold_is_told_when_it_is_asked_for(client: Client) -> None:
    assert client.create("Pod", pod("32", "64Gi", "early"), "shop").warnings == ()
    hosts.put("node-1", hosts.ROOM, {"cpu_millis": 8000, "memory_bytes": 31 * 1024**3 + 512 * 1024**2})

    [warning] = client.create("Pod", pod("32", "64Gi", "two"), "shop").warnings
    assert warning == (
        "pod size: this host has 8 cores and 31.5 GiB for all pods together; "
        "a pod of 32 cores, 64 GiB waits until there is more"
    )
    assert client.create("Pod", pod("8", "16Gi", "three"), "shop").warnings == ()
