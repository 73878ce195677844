"""A promise of our own OpenAPI documents: whatever they allow is answered, and what is refused says why in a Status.

schemathesis makes two requests of each operation, the simplest and one drawn, the same ones every time. Each is sent as
it is, and once more with what is said about the object mended, so that it gets as far as the verb. Watches are left
out: they do not end. `CCI_SCHEMATHESIS_EXAMPLES=20` draws as many, and as many that break the document.
"""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core import NotSet
from schemathesis.generation import GenerationMode

from tests import manifests
from tests.workloads.kubeapi.callers import JSON_PATCH, Api, is_status
from workloads.kinds import refusals
from workloads.kubeapi import discovery

JSON = dict[str, Any]

EXAMPLES = int(os.environ.get("CCI_SCHEMATHESIS_EXAMPLES", "2"))
MODES = (GenerationMode.POSITIVE,) if EXAMPLES == 2 else tuple(GenerationMode)
METHODS = {"get", "put", "post", "patch", "delete"}
DOCUMENTS = sorted(
    f"apis/{group}/{version}" if group else f"api/{version}"
    for group, versions in discovery.group_versions().items()
    for version in versions
)
SENTENCES = [refused.sentence for refused in refusals.KINDS]
SEEDS = {
    "namespaces": manifests.namespace("one"),
    "pods": manifests.pod("one"),
    "deployments": manifests.deployment("one"),
    "replicasets": {**manifests.deployment("one"), "kind": "ReplicaSet"},
    "jobs": manifests.job("one"),
    "cronjobs": manifests.cronjob("one"),
    "horizontalpodautoscalers": manifests.autoscaler("one"),
    "services": manifests.service("one"),
    "ingresses": manifests.ingress("one"),
    "persistentvolumeclaims": manifests.claim("one"),
}
"""The object `one` that is changed and deleted; of other kinds a name is enough, where it is."""
drawn = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[check for check in HealthCheck if check.name != "all"],
)


@pytest.mark.timeout(120 * EXAMPLES)
@pytest.mark.parametrize("path", DOCUMENTS)
def test_whatever_a_document_allows_is_answered(api: Api, shop: str, path: str) -> None:
    document = api.read(f"/openapi/v3/{path}")
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    for operation in operations:
        plant(api, operation.path)
        for mode in MODES:
            call(api, operation, mode)
    assert len(operations) == sum(len(METHODS & set(item)) for item in document["paths"].values()) > 0


def plant(api: Api, path: str) -> None:
    """There is something to change and to delete."""
    if path.endswith("/{name}"):
        place = path.removesuffix("/{name}").replace("{namespace}", "shop")
        api.post(place, json=SEEDS.get(place.rpartition("/")[2], {"metadata": {"name": "one"}}))


def call(api: Api, operation: Any, mode: GenerationMode) -> None:
    names = names_in(operation.path)
    drawn_for = operation.as_strategy(generation_mode=mode, path_parameters=names)

    @drawn
    @given(case=drawn_for, wanted=objects_at(operation))
    def called(case: Case, wanted: Any) -> None:
        for query, body in (asked(case), mended(case, wanted)):
            judge(case, send(api, case, query, body))

    try:
        called()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing of it can be broken


def names_in(path: str) -> dict[str, str]:
    return {name: value for name, value in (("namespace", "shop"), ("name", "one")) if f"{{{name}}}" in path}


def objects_at(operation: Any) -> st.SearchStrategy[Any]:
    """What a patch could make of the object. The document says of patches only that they are objects."""
    if operation.method != "patch" or "put" not in operation.schema.raw_schema["paths"][operation.path]:
        return st.none()
    replacing = operation.schema[operation.path]["put"].as_strategy(path_parameters=names_in(operation.path))
    return replacing.map(lambda case: case.body)


def asked(case: Case) -> tuple[JSON, Any]:
    return {name: value for name, value in (case.query or {}).items() if name != "watch"}, case.body


def mended(case: Case, wanted: Any) -> tuple[JSON, Any]:
    """The request with the right kind and names, and choices that there are."""
    query, body = asked(case)
    query = {name: CHOICES.get(name, value) for name, value in query.items() if name not in OFTEN_REFUSED}
    if case.media_type == "application/apply-patch+yaml":
        query |= {"fieldManager": "me", "force": "true"}
    body = wanted if isinstance(wanted, dict) else body
    if not isinstance(body, dict):
        return query, body
    if case.method == "DELETE":
        return query, {**body, "kind": "DeleteOptions", "propagationPolicy": "Background", "dryRun": []}
    body = {**body, **about(case, body.get("metadata"))}
    if case.media_type == JSON_PATCH:
        return query, [{"op": "add", "path": f"/{key}", "value": value} for key, value in body.items()]
    return query, body


def about(case: Case, metadata: Any) -> JSON:
    gvk = case.operation.definition.raw["x-kubernetes-group-version-kind"]
    kept = {name: value for name, value in metadata.items() if name in KEPT} if isinstance(metadata, dict) else {}
    name = "one" if "{name}" in case.path else "made"
    version = "/".join(filter(None, (gvk["group"], gvk["version"])))
    return {"apiVersion": version, "kind": gvk["kind"], "metadata": {**kept, "name": name}}


CHOICES = {"dryRun": "All", "fieldValidation": "Ignore", "fieldManager": "me", "gracePeriodSeconds": "0"}
OFTEN_REFUSED = {"labelSelector", "fieldSelector", "continue", "resourceVersion", "resourceVersionMatch"}
OFTEN_REFUSED |= {"sendInitialEvents", "force", "propagationPolicy", "orphanDependents"}
KEPT = ("annotations", "labels", "finalizers", "ownerReferences", "managedFields", "generateName")


def send(api: Api, case: Case, query: JSON, body: Any) -> httpx.Response:
    headers = {"Content-Type": case.media_type if case.method == "PATCH" else "application/json"}
    content = None if isinstance(body, NotSet) else json.dumps(body, default=str)
    return api.request(case.method, case.formatted_path, params=query, content=content, headers=headers)


def judge(case: Case, answer: httpx.Response) -> None:
    if answer.status_code < 300:
        return
    told = is_status(answer, answer.status_code)
    sentence = told["code"] == 501 and told["message"] in SENTENCES
    assert answer.status_code < 500 or sentence, f"{case.as_curl_command()}\n{answer.text}"
