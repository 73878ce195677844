"""Server-side apply as clients use it: `kubectl apply --server-side`, and the requests behind it."""

from __future__ import annotations

import orjson
import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import is_status

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
APPLY = "application/apply-patch+yaml"


def text(**changes):
    return orjson.dumps(manifests.deployment("web", **changes)).decode()


@pytest.fixture
def kube(kubectl):
    kube = kubectl("1.33")
    kube("create", "namespace", "shop")
    return lambda *words, **rest: kube("-n", "shop", *words, **rest)


def test_kubectl_applies_is_refused_and_forces(kube, kubectl):
    apply = ("apply", "--server-side", "-f", "-")

    assert "deployment.apps/web serverside-applied" in kube(*apply, stdin=text())
    kube("scale", "deployment", "web", "--replicas=4")
    refused = kubectl("1.33").fails("-n", "shop", *apply, stdin=text())
    assert (
        'Apply failed with 1 conflict: conflict with "kubectl-1.33" with subresource "scale" using apps/v1' in refused
    )
    assert "Please review the fields above--they currently have other managers" in refused
    assert "serverside-applied" in kube(*apply, "--force-conflicts", stdin=text())

    shown = kube("get", "deployment", "web", "-o", "yaml", "--show-managed-fields")
    assert "operation: Apply" in shown and 'k:{"name":"app"}' in shown
    assert "managedFields" not in kube("get", "deployment", "web", "-o", "yaml")


def test_kubectl_moves_from_client_side_to_server_side_and_back(kube):
    kube("apply", "-f", "-", stdin=text())
    kube("apply", "--server-side", "-f", "-", stdin=text(replicas=3))

    shown = orjson.loads(kube("get", "deployment", "web", "-o", "json", "--show-managed-fields"))
    managers = {(one["manager"], one["operation"]) for one in shown["metadata"]["managedFields"]}
    assert managers == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}
    assert "deployment.apps/web configured" in kube("apply", "-f", "-", stdin=text(replicas=2))
    tried = kube("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=text(replicas=2))
    assert "serverside-applied (server dry run)" in tried


def test_yaml_and_json_can_be_applied(api, shop):
    yaml = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n"
    place = "/api/v1/namespaces/shop/configmaps/a"

    made = api.patch(place, content=yaml, headers={"Content-Type": APPLY}, params={"fieldManager": "me"})
    again = api.change(place, made.json() | {"metadata": {"name": "a"}}, type=APPLY, fieldManager="me")

    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json()["metadata"]["resourceVersion"] == made.json()["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("type", "query", "content", "code", "message"),
    [
        (APPLY, {}, b"{}", 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value'),
        (APPLY, {"fieldManager": "x" * 129}, b"{}", 422, "fieldManager: Too long: may not be more than 128 bytes"),
        (APPLY, {"fieldManager": "a\nb"}, b"{}", 422, "fieldManager: Invalid value"),
        (APPLY, {"fieldManager": "me"}, b"a: [", 400, "error decoding YAML"),
        (APPLY, {"fieldManager": "me"}, b"[]", 400, "error decoding YAML"),
        ("application/apply-patch+cbor", {"fieldManager": "me"}, b"\xa0", 415, "application/apply-patch+yaml"),
    ],
)
def test_what_cannot_be_applied_is_told_why(api, shop, type, query, content, code, message):
    answer = api.patch(WEB, content=content, headers={"Content-Type": type}, params=query)

    assert message in is_status(answer, code)["message"]
