"""A pod becomes a sandbox specification by Kubernetes' rules."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.meta.quantity import QuantityError
from workloads.runtimes import translate
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec

NETWORK = NetworkSpec(name="cci-shop-n1", cidr="10.248.0.0/24")


def pod(container: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", **metadata},
        "spec": {"containers": [{"name": "app", "image": "busybox:1", **(container or {})}]},
    }


def translated(obj: dict[str, Any], **rest: Any) -> SandboxSpec:
    return translate.sandbox(obj, account="acme", network=NETWORK, **rest)


def container(fields: dict[str, Any], **rest: Any) -> ContainerSpec:
    return translated(pod(fields), **rest).containers[0]


def test_the_pod_specification_annotation_is_the_ceiling() -> None:
    spec = translated(pod(annotations={"resource.cci.io/pod-size-specs": "2.00_4.0"}))
    assert (spec.cpu_millis, spec.memory_bytes) == (2000, 4 * 1024**3)


def test_without_the_annotation_the_ceiling_is_the_sum_of_the_limits() -> None:
    spec = translated(pod({"resources": {"limits": {"cpu": "250m", "memory": "512Mi"}}}))
    assert (spec.cpu_millis, spec.memory_bytes) == (250, 512 * 1024**2)


@pytest.mark.parametrize(("quantity", "millis"), [("1", 1000), ("0.25", 250), (2, 2000), ("100m", 100), ("0.0001", 1)])
def test_a_cpu_limit_is_millicores_rounded_up(quantity: str | int, millis: int) -> None:
    assert container({"resources": {"limits": {"cpu": quantity}}}).cpu_millis == millis


def test_a_limit_that_is_no_quantity_is_named() -> None:
    with pytest.raises(QuantityError, match="'1 Gi' is not a quantity"):
        container({"resources": {"limits": {"memory": "1 Gi"}}})


def test_variables_are_expanded_in_env_command_and_args() -> None:
    fields = {
        "env": [{"name": "A", "value": "one"}, {"name": "B", "value": "$(A)-$(C)"}, {"name": "C", "value": "late"}],
        "command": ["run", "$(B)"],
        "args": ["$$(A)", "$(C)"],
    }
    made = container(fields)
    assert made.environment["B"] == "one-$(C)"
    assert made.command == ("run", "one-$(C)")
    assert made.args == ("$(A)", "late")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)$(A)", "11"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(A", "$(A"),
        ("$A $", "$A $"),
        ("$(MISSING)", "$(MISSING)"),
        ("$()", "$()"),
        ("", ""),
    ],
)
def test_expansion_is_kubernetes_own(text: str, expected: str) -> None:
    assert translate.expand(text, {"A": "1"}) == expected


def test_a_field_reference_gives_the_pods_facts_and_is_not_expanded() -> None:
    obj = pod(labels={"app": "$(X)"})
    obj["spec"]["containers"][0]["env"] = [
        {"name": "X", "value": "x"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "NONE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['none']"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    environment = translated(obj, pod_ip="10.248.0.7").containers[0].environment
    assert environment == {"X": "x", "NAME": "web-1", "APP": "$(X)", "NONE": "", "IP": "10.248.0.7"}


def test_a_source_that_is_not_built_is_refused() -> None:
    with pytest.raises(translate.Untranslatable, match="fileKeyRef is not supported yet"):
        container({"env": [{"name": "A", "valueFrom": {"fileKeyRef": {}}}]})


def test_an_unknown_field_path_is_refused() -> None:
    with pytest.raises(translate.Untranslatable, match=r"'status\.phase'"):
        container({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]})


def test_absent_and_empty_commands_keep_the_images_own() -> None:
    made = container({"command": [], "args": None})
    assert made.command is None
    assert made.args is None


def test_the_host_name_is_the_pods_name_cut_to_length_unless_the_spec_says_one() -> None:
    long = pod(name="a" * 62 + "-" + "b" * 10)
    assert translate.hostname(long) == "a" * 62
    long["spec"]["hostname"] = "db"
    assert translate.hostname(long) == "db"


def test_a_network_is_named_by_the_uid_of_its_object_and_uses_the_cidr_it_really_got() -> None:
    obj = {
        "metadata": {"name": "net", "namespace": "shop", "uid": "n-1"},
        "spec": {"cidr": "10.0.0.0/24"},
        "status": {"cidr": "10.0.1.0/24"},
    }
    made = translate.network(obj, account="acme")
    assert (made.name, made.cidr) == ("cci-shop-n-1", "10.0.1.0/24")
    assert made.labels == {"cci.io/account": "acme", "cci.io/namespace": "shop"}
