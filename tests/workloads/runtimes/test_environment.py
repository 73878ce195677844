"""Env variables from ConfigMaps, Secrets and the container's own resources."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from workloads.runtimes import translate
from workloads.runtimes.bags import Bags, named
from workloads.runtimes.base import NetworkSpec

NETWORK = NetworkSpec(name="cci-shop-n1", cidr="10.248.0.0/24")
JSON = dict[str, Any]


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


BAGS = Bags(
    "shop",
    {
        ("ConfigMap", "settings"): {
            "kind": "ConfigMap",
            "data": {"color": "blue", "size": "9"},
            "binaryData": {"logo": encoded(b"\xff")},
        },
        ("Secret", "login"): {"kind": "Secret", "data": {"user": encoded(b"alice"), "word": encoded(b"$(color)")}},
    },
)


def pod(**container: Any) -> JSON:
    return {
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "uid": "u-1",
            "annotations": {"resource.cci.io/pod-size-specs": "0.50_1.0"},
        },
        "spec": {"containers": [{"name": "app", "image": "busybox:1", **container}]},
    }


def env(bags: Bags = BAGS, **container: Any) -> dict[str, str]:
    made = translate.sandbox(pod(**container), account="acme", network=NETWORK, bags=bags)
    return dict(made.containers[0].environment)


def missing(bags: Bags = BAGS, **container: Any) -> str:
    obj = pod(**container)
    return translate.missing(obj, obj["spec"]["containers"][0], bags)


def key(kind: str, name: str, key: str, **rest: Any) -> JSON:
    return {"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **rest}}}


def test_values_come_from_config_maps_and_secrets_and_are_not_expanded() -> None:
    entries = [key("configMap", "settings", "color"), {**key("secret", "login", "word"), "name": "B"}]
    assert env(env=entries) == {"A": "blue", "B": "$(color)"}


def test_a_whole_bag_comes_with_a_prefix_and_what_is_written_below_wins() -> None:
    sources = [{"prefix": "X_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "login"}}]
    assert env(envFrom=sources, env=[{"name": "user", "value": "bob-$(X_color)"}]) == {
        "X_color": "blue",
        "X_size": "9",
        "user": "bob-blue",
        "word": "$(color)",
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"env": [key("configMap", "nothing", "k")]}, 'configmap "nothing" not found'),
        ({"env": [key("secret", "nothing", "k")]}, 'secret "nothing" not found'),
        ({"env": [key("secret", "login", "nothing")]}, "couldn't find key nothing in Secret shop/login"),
        ({"env": [key("configMap", "settings", "k")]}, "couldn't find key k in ConfigMap shop/settings"),
        ({"envFrom": [{"configMapRef": {"name": "nothing"}}]}, 'configmap "nothing" not found'),
        ({"envFrom": [{"secretRef": {"name": "nothing"}}]}, 'secret "nothing" not found'),
    ],
)
def test_what_is_missing_is_said_as_the_kubelet_does(fields: JSON, said: str) -> None:
    assert missing(**fields) == said
    assert env(**fields) == {}


def test_what_is_optional_and_missing_is_left_out() -> None:
    fields = {
        "env": [key("secret", "nothing", "k", optional=True), key("configMap", "settings", "k", optional=True)],
        "envFrom": [{"configMapRef": {"name": "nothing", "optional": True}}],
    }
    assert missing(**fields) == ""
    assert env(**fields) == {}


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "1"),
        ("limits.cpu", "1m", "250"),
        ("requests.cpu", "1m", "250"),
        ("limits.memory", "1Mi", "512"),
        ("limits.memory", None, str(512 * 1024**2)),
        ("limits.memory", "1Gi", "1"),
    ],
)
def test_a_resource_is_told_in_units_of_its_divisor_rounded_up(resource: str, divisor: str | None, value: str) -> None:
    reference = {"resource": resource, **({"divisor": divisor} if divisor else {})}
    entry = {"name": "A", "valueFrom": {"resourceFieldRef": reference}}
    assert env(env=[entry], resources={"limits": {"cpu": "250m", "memory": "512Mi"}}) == {"A": value}


def test_a_container_without_limits_may_use_what_its_pod_has() -> None:
    entry = {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}
    assert env(env=[entry]) == {"A": "1024"}


@pytest.mark.parametrize(
    ("resource", "given", "value"),
    [
        ("limits.ephemeral-storage", {"limits": {"ephemeral-storage": "2Gi"}}, "2"),
        ("requests.ephemeral-storage", {"requests": {"ephemeral-storage": "1Gi"}}, "1"),
        ("limits.ephemeral-storage", {}, "20"),
        ("requests.ephemeral-storage", {}, "0"),
    ],
)
def test_ephemeral_storage_is_what_is_asked_or_the_writable_disk(resource: str, given: JSON, value: str) -> None:
    reference = {"resource": resource, "divisor": "1Gi"}
    assert env(env=[{"name": "A", "valueFrom": {"resourceFieldRef": reference}}], resources=given) == {"A": value}


def test_a_pod_names_what_its_containers_and_volumes_do() -> None:
    spec: JSON = {
        "initContainers": [{"env": [key("secret", "a", "k")]}],
        "containers": [{"envFrom": [{"configMapRef": {"name": "b"}}]}],
        "volumes": [
            {"configMap": {"name": "c"}},
            {"secret": {"secretName": "d"}},
            {"projected": {"sources": [{"secret": {"name": "e"}}, {"configMap": {"name": "f"}}]}},
        ],
    }
    assert named(spec) == {
        ("Secret", "a"),
        ("ConfigMap", "b"),
        ("ConfigMap", "c"),
        ("Secret", "d"),
        ("Secret", "e"),
        ("ConfigMap", "f"),
    }
