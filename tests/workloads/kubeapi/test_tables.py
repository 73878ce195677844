"""What `kubectl get` prints: Tables with the columns of the registry, for lists, single objects and watches."""

from __future__ import annotations

import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import TABLE
from workloads.kinds import registry

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def pods(api, shop):
    return [api.make(PODS, manifests.pod(name)) for name in ("one", "two")]


def test_a_list_is_a_table_with_the_columns_of_its_kind(api, pods):
    table = api.read(PODS, accept=TABLE)
    columns = [column.name for column in registry.kind("Pod").columns] + ["Spec", "Cost/h", "Cost"]
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in table["columnDefinitions"]] == columns
    assert all(len(row["cells"]) == len(columns) for row in table["rows"])
    assert [row["cells"][0] for row in table["rows"]] == ["one", "two"]
    assert int(table["metadata"]["resourceVersion"]) >= int(pods[-1]["metadata"]["resourceVersion"])


@pytest.mark.parametrize("name", sorted(registry.kinds()))
def test_every_kind_has_a_table_even_when_there_is_nothing(api, shop, name):
    kind = registry.kind(name)
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    table = api.read(f"{root}/{kind.plural}", accept=TABLE)
    first = table["columnDefinitions"][0]
    assert set(first) == {"name", "type", "format", "description", "priority"}


def test_a_wide_row_says_what_is_billed_and_what_it_costs(api, pods):
    for table in (api.read(PODS, accept=TABLE), api.read(f"{PODS}/one", accept=TABLE)):
        assert table["rows"][0]["cells"][-3:] == ["0.25 cores, 1 GiB", "0.1161", "0"]
        assert [column["priority"] for column in table["columnDefinitions"][-3:]] == [1, 1, 1]
    (row,) = api.read("/api/v1/namespaces", accept=TABLE)["rows"]
    assert row["cells"][-3:] == ["general-computing", "0", "0"]


def test_a_watch_asks_nobody_for_costs(api, pods):
    with api.watch(PODS, accept=TABLE) as events:
        assert next(events)["object"]["rows"][0]["cells"][-3:] == ["--", "--", "--"]


def test_one_object_is_a_table_of_one_row(api, pods):
    table = api.read(f"{PODS}/one", accept=TABLE)
    assert len(table["rows"]) == 1
    assert table["metadata"]["resourceVersion"] == pods[0]["metadata"]["resourceVersion"]


def test_rows_carry_metadata_the_object_or_nothing(api, pods):
    (row, _) = api.read(PODS, accept=TABLE)["rows"]
    assert row["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": pods[0]["metadata"],
    }
    assert api.read(PODS, accept=TABLE, includeObject="Object")["rows"][0]["object"] == pods[0]
    assert "object" not in api.read(PODS, accept=TABLE, includeObject="None")["rows"][0]


def test_an_older_table_version_is_answered_in_kind(api, pods):
    table = api.read(PODS, accept="application/json;as=Table;v=v1beta1;g=meta.k8s.io")
    assert table["apiVersion"] == "meta.k8s.io/v1beta1"


def test_metadata_alone_is_answered_when_asked_for(api, pods):
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = api.read(PODS, accept=accept)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert [set(item) for item in listed["items"]] == [{"kind", "apiVersion", "metadata"}] * 2
    one = api.read(f"{PODS}/one", accept="application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
    assert one["kind"] == "PartialObjectMetadata" and "spec" not in one


def test_the_best_form_that_is_offered_wins(api, pods):
    accept = "application/vnd.kubernetes.protobuf,application/json;as=Table;v=v9;g=meta.k8s.io,application/json"
    assert api.read(PODS, accept=accept)["kind"] == "PodList"
    assert (
        api.read(PODS, accept="application/json;q=0.1,application/json;as=Table;v=v1;g=meta.k8s.io")["kind"] == "Table"
    )
    assert api.read(PODS, accept="*/*")["kind"] == "PodList"


def test_a_watch_sends_tables_with_columns_once(api, pods):
    with api.watch(PODS, accept=TABLE, timeoutSeconds="1") as events:
        first, second = next(events), next(events)
    assert (first["type"], first["object"]["kind"]) == ("ADDED", "Table")
    assert first["object"]["columnDefinitions"] and second["object"]["columnDefinitions"] is None
    assert [event["object"]["rows"][0]["cells"][0] for event in (first, second)] == ["one", "two"]


def test_a_scale_has_columns_of_its_own(api, shop):
    web = "/apis/apps/v1/namespaces/shop/deployments"
    api.make(web, manifests.deployment("web"))
    table = api.read(f"{web}/web/scale", accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["web", 2, 0]
