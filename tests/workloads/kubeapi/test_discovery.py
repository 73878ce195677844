"""Clients learn from these documents what there is; each is made from the registry, and says no more than is true."""

from __future__ import annotations

import pytest

from workloads.kinds import refusals, registry
from workloads.kubeapi import discovery

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


def _resources(api, room):
    groups = api.read(room, accept=AGGREGATED)["items"]
    return {
        (group["metadata"].get("name", ""), version["version"], resource["resource"]): resource
        for group in groups
        for version in group["versions"]
        for resource in version["resources"]
    }


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_the_aggregated_document_comes_in_the_version_that_is_preferred(api, version):
    accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList,application/json"
    answer = api.get("/apis", headers={"Accept": accept})
    assert answer.headers["content-type"] == (
        f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    )
    assert answer.json()["apiVersion"] == f"apidiscovery.k8s.io/{version}"


def test_every_kind_is_listed_with_its_verbs_and_parts(api):
    listed = _resources(api, "/api") | _resources(api, "/apis")
    for kind in registry.kinds().values():
        found = listed[kind.group, kind.version, kind.plural]
        assert found["verbs"] == list(kind.verbs)
        assert found["scope"] == ("Namespaced" if kind.namespaced else "Cluster")
        assert [part["subresource"] for part in found.get("subresources", [])] == list(kind.subresources)


def test_a_scale_is_told_as_the_kind_it_is(api):
    (_, scale) = _resources(api, "/apis")["apps", "v1", "deployments"]["subresources"]
    assert scale["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def test_the_legacy_documents_say_the_same(api):
    modern = _resources(api, "/api") | _resources(api, "/apis")
    listed = {}
    for group in api.read("/apis")["groups"]:
        for version in group["versions"]:
            for resource in api.read(f"/apis/{version['groupVersion']}")["resources"]:
                listed[group["name"], version["version"], resource["name"]] = resource
    for resource in api.read("/api/v1")["resources"]:
        listed["", "v1", resource["name"]] = resource
    whole = {place: resource for place, resource in listed.items() if "/" not in place[2]}
    assert whole.keys() == modern.keys()
    assert all(resource["verbs"] == modern[place]["verbs"] for place, resource in whole.items())
    assert ("apps", "v1", "deployments/scale") in listed


def test_one_group_is_described_alone(api):
    group = api.read("/apis/apps")
    assert (group["kind"], group["preferredVersion"]["groupVersion"]) == ("APIGroup", "apps/v1")
    assert api.read("/api")["versions"] == ["v1"]


def test_kinds_that_are_refused_have_no_verbs_and_no_category(api):
    listed = _resources(api, "/api") | _resources(api, "/apis")
    for refused in refusals.KINDS:
        found = listed[refused.group, refused.versions[0], refused.plural]
        assert found["verbs"] == [] and "categories" not in found and "subresources" not in found


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1", "/openapi/v3/api/v1"])
def test_a_document_that_is_known_already_is_not_sent_again(api, path):
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_the_root_names_every_group_and_version(api):
    paths = api.read("/")["paths"]
    for group, versions in discovery.group_versions().items():
        assert all((f"/apis/{group}/{version}" if group else f"/api/{version}") in paths for version in versions)


def test_the_version_and_the_health_are_told_without_a_token(api):
    del api.headers["Authorization"]
    assert api.read("/version")["gitVersion"].startswith("v1.33")
    for room in ("healthz", "livez", "readyz"):
        assert api.get(f"/{room}").text == "ok"
    assert api.get("/api").status_code == 401


def test_a_database_that_does_not_answer_is_not_ready_but_alive(api, monkeypatch):
    from django.db import OperationalError

    from workloads.kubeapi import health

    class Broken:
        def cursor(self):
            raise OperationalError("gone")

    monkeypatch.setattr(health, "connection", Broken())
    assert api.get("/livez").text == "ok"
    answer = api.get("/readyz")
    assert answer.status_code == 500 and "[-]database failed: the database does not answer" in answer.text


def test_a_short_name_means_one_kind(kubectl, shop):
    done = kubectl("1.33").run("get", "ing,ev,hpa,ep", "-n", "shop")
    assert "could also match" not in done.stderr
