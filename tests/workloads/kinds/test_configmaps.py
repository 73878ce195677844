"""ConfigMap and Secret: keys, sizes, types, `immutable`, and no secret in any error."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from workloads.kinds import registry
from workloads.meta.errors import Cause

CONFIG_MAP, SECRET = registry.kind("ConfigMap"), registry.kind("Secret")


def config_map(**rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, **rest}


def secret(**rest: Any) -> dict[str, Any]:
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, **rest}
    SECRET.default(made)
    return made


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def said(causes: list[Cause]) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in causes]


@pytest.mark.parametrize("key", ["a", "application.properties", "A_b-C.d", ".hidden", "x" * 253])
def test_a_key_is_a_file_name(key: str) -> None:
    assert CONFIG_MAP.validate(config_map(data={key: "v"}), None) == []


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("a/b", "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"),
        ("", "a valid config key must consist of"),
        ("..", "must not be '..'"),
        (".", "must not be '.'"),
        ("..data", "must not start with '..'"),
        ("x" * 254, "must be no more than 253 characters"),
    ],
)
def test_what_is_no_key_is_said_in_kubernetes_words(key: str, rule: str) -> None:
    (cause,) = CONFIG_MAP.validate(config_map(data={key: "v"}), None)
    assert cause.field == f"data[{key}]"
    assert rule in cause.message


def test_a_key_stands_in_one_bag() -> None:
    both = config_map(data={"a": "x"}, binaryData={"a": encoded("x")})
    assert said(CONFIG_MAP.validate(both, None)) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData'
    ]


def test_all_values_together_are_at_most_a_mebibyte() -> None:
    half = "x" * (512 * 1024)
    fits = config_map(data={"a": half}, binaryData={"b": encoded(half)})
    assert CONFIG_MAP.validate(fits, None) == []
    fits["data"]["c"] = "y"
    assert said(CONFIG_MAP.validate(fits, None)) == ["data: Too long: may not be more than 1048576 bytes"]
    assert said(SECRET.validate(secret(stringData={"a": half, "b": half + "y"}), None)) == [
        "data: Too long: may not be more than 1048576 bytes"
    ]


def test_immutable_freezes_values_and_itself() -> None:
    old = config_map(data={"a": "1"}, immutable=True)
    assert said(CONFIG_MAP.validate(config_map(data={"a": "2"}, immutable=False), old)) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]
    assert CONFIG_MAP.validate({**old, "metadata": {"name": "c", "labels": {"x": "y"}}}, old) == []
    frozen = secret(data={"a": encoded("1")}, immutable=True)
    assert said(SECRET.validate(secret(data={}, immutable=True), frozen)) == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_string_data_is_moved_into_data_over_what_stands_there() -> None:
    made = secret(data={"a": encoded("old"), "b": encoded("kept")}, stringData={"a": "new"})
    assert made["data"] == {"a": encoded("new"), "b": encoded("kept")}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


@pytest.mark.parametrize(
    ("type", "data", "wrong"),
    [
        ("Opaque", {}, []),
        ("example.com/own", {}, []),
        ("kubernetes.io/tls", {"tls.crt": "c"}, ["data[tls.key]: Required value"]),
        ("kubernetes.io/tls", {"tls.crt": "c", "tls.key": ""}, []),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/basic-auth", {"password": ""}, []),
        (
            "kubernetes.io/basic-auth",
            {"user": "x"},
            ["data[username]: Required value", "data[password]: Required value"],
        ),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"}, []),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": "hunter2"},
            ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be a JSON object'],
        ),
    ],
)
def test_a_type_asks_for_its_keys(type: str, data: dict[str, str], wrong: list[str]) -> None:
    assert said(SECRET.validate(secret(type=type, stringData=data), None)) == wrong


def test_the_type_of_a_secret_stays() -> None:
    (cause,) = SECRET.validate(secret(type="example.com/other"), secret())
    assert (cause.field, "field is immutable" in cause.message) == ("type", True)


def test_a_token_secret_is_refused_by_name() -> None:
    (cause,) = SECRET.validate(secret(type="kubernetes.io/service-account-token"), None)
    assert "is not supported yet" in cause.message


def test_the_rows_kubectl_prints() -> None:
    row = config_map(data={"a": "1", "b": "2"}, binaryData={"c": encoded("3")})
    row["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    assert [column.cell(row, 60.0) for column in CONFIG_MAP.columns] == ["c", 3, "60s"]
    hidden = secret(stringData={"a": "hunter2"})
    assert [column.cell(hidden, 60.0) for column in SECRET.columns][:3] == ["s", "Opaque", 1]
    assert b"hunter2" not in orjson.dumps([column.name for column in SECRET.columns])
