"""Volumes and their mounts: defaults, and every rule with its words."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import registry

KIND = registry.kind("Pod")
JSON = dict[str, Any]


def causes(volumes: list[JSON], mounts: list[JSON] | None = None) -> list[tuple[str, str]]:
    container = {"name": "app", "image": "nginx:1.27", "volumeMounts": mounts or []}
    obj: JSON = {"metadata": {"name": "web"}, "spec": {"containers": [container], "volumes": volumes}}
    KIND.default(obj)
    return [(cause.field, cause.message) for cause in KIND.validate(obj, None)]


def one(**source: Any) -> list[tuple[str, str]]:
    return causes([{"name": "v", **source}])


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"emptyDir": {}},
        {"emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"configMap": {"name": "c"}},
        {"configMap": {"name": "c", "defaultMode": 0, "items": [{"key": "k", "path": "a/b", "mode": 0o777}]}},
        {"secret": {"secretName": "s", "optional": True}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": "s"}}]}},
    ],
)
def test_a_volume_that_is_served(source: JSON) -> None:
    assert one(**source) == []


def test_a_volume_without_a_type_is_an_empty_folder_and_files_are_0644() -> None:
    obj: JSON = {"metadata": {"name": "web"}, "spec": {"containers": [], "volumes": [{"name": "a"}]}}
    obj["spec"]["volumes"] += [{"name": "b", "secret": {"secretName": "s"}}]
    KIND.default(obj)
    assert obj["spec"]["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "secret": {"secretName": "s", "defaultMode": 420}},
    ]


@pytest.mark.parametrize(
    ("source", "field", "message"),
    [
        ({"hostPath": {"path": "/"}}, "hostPath", "Forbidden: the host's files are not offered"),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim.claimName", "Required value"),
        ({"ephemeral": {}}, "ephemeral.volumeClaimTemplate", "Required value"),
        ({"nfs": {"path": "/", "server": "x"}}, "nfs", "Forbidden: is not supported yet"),
        ({"emptyDir": {}, "secret": {"secretName": "s"}}, "secret", "may not specify more than 1 volume type"),
        ({"emptyDir": {"medium": "HugePages"}}, "emptyDir.medium", "Unsupported value"),
        ({"emptyDir": {"sizeLimit": "-1"}}, "emptyDir.sizeLimit", "must be a valid resource quantity"),
        ({"configMap": {}}, "configMap.name", "Required value"),
        ({"secret": {}}, "secret.secretName", "Required value"),
        ({"secret": {"secretName": "s", "defaultMode": 512}}, "secret.defaultMode", "between 0 and 0777 (octal)"),
        ({"configMap": {"name": "c", "items": [{"path": "a"}]}}, "configMap.items[0].key", "Required value"),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "/a"}]}},
            "configMap.items[0].path",
            "must be a relative path",
        ),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "a/../b"}]}},
            "configMap.items[0].path",
            "must not contain '..'",
        ),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "..a"}]}},
            "configMap.items[0].path",
            "must not start with '..'",
        ),
        ({"downwardAPI": {"items": [{"path": "a"}]}}, "downwardAPI.items[0]", "one of fieldRef and resourceFieldRef"),
        (
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]}},
            "downwardAPI.items[0].fieldRef.fieldPath",
            "Unsupported value",
        ),
        (
            {"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
            "downwardAPI.items[0].resourceFieldRef.containerName",
            "Required value",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 599}}]}},
            "projected.sources[0].serviceAccountToken.expirationSeconds",
            "may not specify a duration less than 10 minutes",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {}}]}},
            "projected.sources[0].serviceAccountToken.path",
            "Required value",
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "a"}},
                        {"secret": {"name": "s", "items": [{"key": "k", "path": "a"}]}},
                    ]
                }
            },
            "projected.sources[1].secret",
            "conflicting duplicate paths",
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "c", "items": [{"key": "k", "path": "a"}]}},
                        {"secret": {"name": "s", "items": [{"key": "k", "path": "a"}]}},
                    ]
                }
            },
            "projected.sources[1].secret",
            "conflicting duplicate paths",
        ),
    ],
)
def test_a_volume_out_of_rule_names_field_and_rule(source: JSON, field: str, message: str) -> None:
    ((where, said),) = one(**source)
    assert where == f"spec.volumes[0].{field}"
    assert message in said


def test_a_name_stands_once_and_is_a_label() -> None:
    assert causes([{"name": "a"}, {"name": "a"}]) == [("spec.volumes[1].name", 'Duplicate value: "a"')]
    assert causes([{"name": "A"}])[0][0] == "spec.volumes[0].name"


@pytest.mark.parametrize(
    ("mount", "field", "message"),
    [
        ({"name": "other", "mountPath": "/v"}, "name", 'Not found: "other"'),
        ({"name": "v"}, "mountPath", "Required value"),
        ({"name": "v", "mountPath": "data"}, "mountPath", "must be an absolute path"),
        ({"name": "v", "mountPath": "/"}, "mountPath", "must be an absolute path below /"),
        ({"name": "v", "mountPath": "/a:b"}, "mountPath", "must not contain ':'"),
        ({"name": "v", "mountPath": "/v", "subPath": "/a"}, "subPath", "must be a relative path"),
        ({"name": "v", "mountPath": "/v", "subPath": "a/../.."}, "subPath", "must not contain '..'"),
        ({"name": "v", "mountPath": "/v", "subPath": "a", "subPathExpr": "b"}, "subPathExpr", "mutually exclusive"),
        ({"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}, "mountPropagation", "is not supported"),
    ],
)
def test_a_mount_out_of_rule_names_field_and_rule(mount: JSON, field: str, message: str) -> None:
    ((where, said),) = causes([{"name": "v"}], [mount])
    assert where == f"spec.containers[0].volumeMounts[0].{field}"
    assert message in said


def test_two_volumes_do_not_stand_at_one_path() -> None:
    mounts = [{"name": "a", "mountPath": "/v"}, {"name": "b", "mountPath": "/v/"}]
    assert causes([{"name": "a"}, {"name": "b"}], mounts) == [
        ("spec.containers[0].volumeMounts[1].mountPath", 'Invalid value: "/v/": must be unique')
    ]
