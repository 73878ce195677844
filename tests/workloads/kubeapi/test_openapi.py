"""OpenAPI v3 says enough for `kubectl explain`, `apply` and validation, and nothing that is not so."""

from __future__ import annotations

import pytest

from workloads.kinds import refusals, registry
from workloads.kubeapi.bodies import PATCH_TYPES


@pytest.fixture
def documents(api):
    """path -> document, of everything the index names."""
    index = api.read("/openapi/v3")["paths"]
    return {path: api.read(entry["serverRelativeURL"]) for path, entry in index.items()}


def _references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_every_reference_leads_somewhere(documents):
    for document in documents.values():
        known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert set(_references(document)) <= known


def test_every_kind_has_its_paths_and_its_schema(documents):
    for kind in registry.kinds().values():
        path = f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"
        place = f"/{path}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"/{path}/{kind.plural}"
        item = documents[path]["paths"][f"{place}/{{name}}"]
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.name}
        assert item["get"]["x-kubernetes-group-version-kind"] == gvk
        if kind.is_fixed:
            assert "patch" not in item
            continue
        assert {"fieldValidation", "dryRun"} <= {parameter["name"] for parameter in item["patch"]["parameters"]}
        assert set(item["patch"]["requestBody"]["content"]) == set(PATCH_TYPES)
        assert gvk in documents[path]["components"]["schemas"][kind.schema]["x-kubernetes-group-version-kind"]


def test_what_only_json_schema_allows_is_converted(documents):
    def walk(value):
        if isinstance(value, dict):
            assert not isinstance(value.get("type"), list)
            assert value.get("additionalProperties") is not False
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for document in documents.values():
        walk(document["components"]["schemas"])


def test_merge_keys_are_told(documents):
    spec = documents["api/v1"]["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]
    assert spec["properties"]["containers"]["x-kubernetes-patch-merge-key"] == "name"


def test_numbers_or_strings_are_both(documents):
    schemas = documents["apis/apps/v1"]["components"]["schemas"]
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"


def test_a_refused_kind_is_explained_by_its_refusal(documents):
    (stateful,) = [refused for refused in refusals.KINDS if refused.name == "StatefulSet"]
    schemas = documents["apis/apps/v1"]["components"]["schemas"]
    assert stateful.sentence in [schema.get("description") for schema in schemas.values()]


def test_an_address_with_the_hash_may_be_kept_for_good(api):
    url = api.read("/openapi/v3")["paths"]["apis/apps/v1"]["serverRelativeURL"]
    assert "immutable" in api.get(url).headers["cache-control"]
    assert "no-cache" in api.get(url.partition("?")[0]).headers["cache-control"]


def test_only_json_is_given(api):
    accept = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
    assert api.get("/openapi/v3", headers={"Accept": accept}).status_code == 406


def test_kubectl_calls_a_kind_that_nobody_knows_by_its_name(kubectl, shop):
    bar = '{"apiVersion": "foo.io/v1", "kind": "Bar", "metadata": {"name": "b"}}'
    said = kubectl("1.33").fails("create", "-f", "-", stdin=bar)
    assert 'no matches for kind "Bar" in version "foo.io/v1"' in said
    sata = '{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "b"}, "provisioner": "x"}'
    assert "can only be read" in kubectl("1.33").fails("create", "-f", "-", stdin=sata)
