"""Fields to manifests and errors back to fields: nothing typed is lost, nothing said is misplaced."""

from __future__ import annotations

import pytest

from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError, placed
from console.forms.namespaces import NamespaceDraft, free_addresses
from workloads.meta.errors import Cause

pytestmark = pytest.mark.django_db
WEB = {
    "name": "web",
    "namespace": "shop",
    "replicas": "3",
    "size": "0.50_1.0",
    "containers-0-name": "app",
    "containers-0-image": "nginx:1.27",
    "containers-0-command": "sh -c 'echo \"hello world\"'",
    "containers-0-env-0-name": "COLOUR",
    "containers-0-env-0-value": " green ",
    "containers-0-env-2-name": "ME",
    "containers-0-env-2-source": "PodName",
}


def test_a_filled_form_becomes_the_manifest_it_says() -> None:
    (manifest,) = DeploymentDraft.read(WEB).manifests()
    container = manifest["spec"]["template"]["spec"]["containers"][0]

    assert manifest["metadata"] == {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    assert manifest["spec"]["replicas"] == 3
    assert manifest["spec"]["template"]["metadata"]["annotations"] == {"resource.cci.io/pod-size-specs": "0.50_1.0"}
    assert container["command"] == ["sh", "-c", 'echo "hello world"']
    assert container["resources"]["limits"] == {"cpu": "0.5", "memory": "1Gi"}
    assert container["env"] == [
        {"name": "COLOUR", "value": " green "},
        {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("metadata.name", "name"),
        ("spec.replicas", "replicas"),
        ("spec.template.spec.containers[1].image", "containers-1-image"),
        ("spec.template.spec.containers[0].resources.limits[cpu]", "containers-0-cpu"),
        ("spec.template.spec.containers[0].resources.requests[memory]", "containers-0-memory"),
        ("spec.template.spec.containers[0].env[2].name", "containers-0-env-2-name"),
        ("spec.template.metadata.annotations[resource.cci.io/pod-size-specs]", "size"),
        ("spec.strategy.rollingUpdate.maxSurge", "max_surge"),
        ("spec.something.new", ""),
    ],
)
def test_an_error_stands_at_the_field_that_caused_it(path: str, field: str) -> None:
    assert DeploymentDraft.read(WEB).field_of(path) == field


def test_a_rule_broken_on_two_paths_of_one_field_is_said_once() -> None:
    both = [
        Cause("spec.template.spec.containers[0].resources.limits[cpu]", "use 0.25 or 0.5"),
        Cause("spec.template.spec.containers[0].resources.requests[cpu]", "use 0.25 or 0.5"),
    ]
    assert placed(DeploymentDraft.read(WEB), both) == [FieldError("containers-0-cpu", "Use 0.25 or 0.5")]


def test_text_that_is_no_number_is_said_at_its_field() -> None:
    draft = DeploymentDraft.read(WEB | {"replicas": "two"})
    assert [error.field for error in draft.problems()] == ["replicas"]


def test_an_unclosed_quotation_mark_is_said_at_its_field() -> None:
    draft = DeploymentDraft.read(WEB | {"containers-0-args": "echo 'half"})
    assert [error.field for error in draft.problems()] == ["containers-0-args"]


def test_the_namespace_form_makes_a_namespace_and_its_network() -> None:
    fields = {"name": "shop", "flavor": "general-computing", "cidr": "192.168.0.0/24", "dns": "8.8.8.8, 1.1.1.1"}
    namespace, network = NamespaceDraft.read(fields).manifests()

    assert namespace["metadata"]["annotations"]["namespace.kubernetes.io/flavor"] == "general-computing"
    assert namespace["metadata"]["labels"]["sys_enterprise_project_id"] == "0"
    assert network["spec"]["cidr"] == "192.168.0.0/24"
    assert network["spec"]["dnsServers"] == ["8.8.8.8", "1.1.1.1"]


@pytest.mark.parametrize(("cidr", "free"), [("192.168.0.0/24", 250), ("10.0.0.0/28", 10), ("nonsense", None)])
def test_the_count_of_free_addresses_leaves_six_out(cidr: str, free: int | None) -> None:
    assert free_addresses(cidr) == free
