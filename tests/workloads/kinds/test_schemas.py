"""The schemas of everything we serve: strict about fields, knowing how lists merge, cheap to use."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from workloads.kinds import registry, schemas
from workloads.kinds.base import Kind
from workloads.meta import patches

KINDS = list(registry.kinds().values())


def deployment(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "nginx:1.27", **container}]},
            },
        },
    }


DEPLOYMENT = registry.kind("Deployment")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_a_schema_with_its_type_and_metadata(kind: Kind) -> None:
    shape = schemas.shape(kind.schema)
    assert shape.type == "object"
    assert {"apiVersion", "kind", "metadata"} <= shape.fields.keys()
    gvk = schemas.definition(kind.schema)["x-kubernetes-group-version-kind"]
    assert {"group": kind.group, "version": kind.version, "kind": kind.name} in gvk


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_closure_refers_to_nothing_outside_itself(kind: Kind) -> None:
    found = schemas.closure([kind.schema])
    for schema in found.values():
        assert set(schemas._references(schema)) <= found.keys()


def test_an_unknown_field_is_said_in_kubernetes_words() -> None:
    obj = deployment(imagePulPolicy="Always")
    obj["spec"]["replicaz"] = 3
    assert schemas.check(DEPLOYMENT, obj).unknown == (
        "spec.template.spec.containers[0].imagePulPolicy",
        "spec.replicaz",
    )


def test_a_wrong_type_is_said_in_kubernetes_words() -> None:
    obj = deployment()
    obj["spec"]["replicas"] = "two"
    (found,) = schemas.check(DEPLOYMENT, obj).mismatches
    assert found.sentence == (
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


def test_pruning_leaves_what_a_typed_decoder_would() -> None:
    obj = deployment(odd=1, command=None)
    obj["metadata"]["creationTimestamp"] = None
    schemas.prune(DEPLOYMENT, obj)
    assert obj == deployment()


def test_a_pods_lifecycle_is_known_because_it_is_ours() -> None:
    pod = {"status": {"lifecycle": {"pullStartedAt": "2026-01-01T00:00:00.000000Z", "pull": {"currentBytes": 1}}}}
    assert schemas.check(registry.kind("Pod"), pod).unknown == ()
    assert "lifecycle" in schemas.definition("io.k8s.api.core.v1.PodStatus")["properties"]


def test_an_unknown_definition_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        schemas.shape("io.k8s.api.core.v1.Nothing")
    with pytest.raises(KeyError):
        schemas.definition("io.k8s.api.core.v1.Nothing")


def test_a_definition_of_no_kind_is_compiled_when_it_is_asked_for() -> None:
    secret = schemas.shape("io.k8s.api.core.v1.Secret")
    data = secret.fields["data"].shape
    assert data.type == "map"
    assert data.items is not None
    assert data.items.type == "bytes"


def test_definitions_that_refer_to_themselves_are_compiled() -> None:
    shape = schemas.shape("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")
    assert shape.fields["not"].shape is shape
    assert shape.fields["maximum"].shape.type == "number"


def test_threads_that_ask_first_at_once_get_whole_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_SHAPES", {})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(schemas.shape, [DEPLOYMENT.schema] * 8))
    assert all(shape is found[0] and "spec" in shape.fields for shape in found)


def test_containers_merge_by_name_and_conditions_by_type() -> None:
    spec = schemas.shape("io.k8s.api.core.v1.PodSpec")
    assert spec.fields["containers"].merge_key == "name"
    assert spec.fields["volumes"].strategies == {"merge", "retainKeys"}
    assert schemas.shape(DEPLOYMENT.schema).fields["status"].shape.fields["conditions"].merge_key == "type"


def test_kubectl_set_image_patches_a_deployment() -> None:
    containers = [{"name": "web", "image": "nginx:1.28"}]
    patch = {
        "spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "web"}], "containers": containers}}}
    }
    patched = patches.apply(deployment(args=["-g"]), patch, patches.STRATEGIC, shape=schemas.shape(DEPLOYMENT.schema))
    assert patched == {**deployment(args=["-g"], image="nginx:1.28")}


def test_checking_and_validating_a_deployment_takes_less_than_a_millisecond() -> None:
    obj = deployment()
    DEPLOYMENT.default(obj)
    best = min(_seconds(obj) for _ in range(30))
    assert best < 0.001


def _seconds(obj: dict[str, Any]) -> float:
    start = time.perf_counter()
    schemas.check(DEPLOYMENT, obj)
    DEPLOYMENT.validate(obj, None)
    return time.perf_counter() - start


def test_without_the_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    schemas._file.cache_clear()
    with pytest.raises(RuntimeError, match="make setup"):
        schemas.definition("x")
