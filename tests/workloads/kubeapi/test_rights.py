"""What kubectl users see of rights: one journey of somebody who may look, by role, at one namespace."""

from __future__ import annotations

import pytest

from iam import identities, kubeconfig, people, tokens
from iam.models import AuditEntry
from tests import manifests
from tests.workloads.kubeapi.callers import Kubectl, is_status, kubectl_binary
from workloads.client import Client
from workloads.kinds.namespaces import RBAC_LABEL


@pytest.fixture
def bob(server, data_dir, alice_user, tmp_path, settings):
    """kubectl of bob, whose policy allows everything, and who is a viewer of `bank`, made with roles."""
    settings.DATA_DIR = data_dir
    admin = identities.identity_of(alice_user)
    bank = manifests.namespace("bank")
    bank["metadata"]["labels"] = {RBAC_LABEL: "true"}
    Client(admin).create("Namespace", bank)
    user = people.create_user(admin, "bob", password="long enough", policies=["CCI FullAccess"])
    config = tmp_path / "bobs-kubeconfig"
    config.write_text(kubeconfig.build(user, tokens.issue(user).token, server))
    return Kubectl(kubectl_binary("1.33"), config, tmp_path / "bobs-cache")


def test_a_viewer_looks_and_does_no_more(bob, kubectl):
    alice = kubectl("1.33")
    made = alice("create", "rolebinding", "viewers", "--clusterrole=view", "--user=bob", "-n", "bank")
    assert "rolebinding.rbac.authorization.k8s.io/viewers created" in made
    assert "ClusterRole/view" in alice("get", "rolebindings", "-n", "bank", "-o", "wide")
    assert "Username" in bob("auth", "whoami") and "bob" in bob("auth", "whoami")
    assert bob("auth", "can-i", "get", "pods", "--subresource=log", "-n", "bank").strip() == "yes"
    listed = bob("auth", "can-i", "--list", "-n", "bank")
    assert "pods/log" in listed and "secrets" not in listed
    assert bob("get", "pods", "-n", "bank") == ""
    for refused in (
        ("get", "secrets", "-n", "bank"),
        ("create", "configmap", "x", "-n", "bank"),
        ("create", "rolebinding", "me", "--clusterrole=admin", "--user=bob", "-n", "bank"),
    ):
        said = bob.fails(*refused)
        assert "insufficient operation permission, require cci:" in said
    assert "deleted" in alice("delete", "rolebinding", "viewers", "-n", "bank")


def test_nobody_is_somebody_else_by_a_header(api):
    body = is_status(api.get("/api/v1/namespaces", headers={"Impersonate-User": "bob"}), 501)
    assert "impersonation" in body["message"]


def test_what_the_api_denies_is_in_the_trail(call_as, alice_user):
    bob = people.create_user(identities.identity_of(alice_user), "bob", password="long enough")
    is_status(call_as(bob).get("/api/v1/namespaces/shop/secrets/key"), 403)
    (entry,) = AuditEntry.objects.filter(user="bob", outcome="denied")
    assert (entry.door, entry.kind, entry.name) == ("kube-api", "Secret", "key")
