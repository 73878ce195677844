"""get, list, create, update, patch and delete answer as a Kubernetes API server does."""

from __future__ import annotations

from tests import manifests

PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


def test_what_was_created_is_got_listed_and_gone_after_delete(api, shop):
    made = api.make(DEPLOYMENTS, manifests.deployment("web"))
    assert api.read(f"{DEPLOYMENTS}/web") == made
    listed = api.read(DEPLOYMENTS)
    assert (listed["kind"], listed["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert listed["items"] == [made]
    gone = api.delete(f"{DEPLOYMENTS}/web").json()
    assert gone["status"] == "Success" and gone["details"]["uid"] == made["metadata"]["uid"]
    assert api.get(f"{DEPLOYMENTS}/web").status_code == 404
