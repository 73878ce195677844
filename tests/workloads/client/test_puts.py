"""A PUT makes what is not there where upstream's does, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, WriteOptions
from workloads.kinds import registry
from workloads.meta.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound

JSON = dict[str, Any]
VIEW = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
INVOLVED = {"kind": "Pod", "namespace": "shop", "name": "one"}
MADE: dict[str, JSON] = {
    "Lease": {"spec": {"holderIdentity": "me"}},
    "Endpoints": {},
    "Event": {"involvedObject": INVOLVED, "reason": "Seen"},
    "LimitRange": {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}},
    "Role": {"rules": []},
    "RoleBinding": {"roleRef": VIEW, "subjects": []},
    "ClusterRoleBinding": {"roleRef": VIEW, "subjects": []},
    "Service": manifests.service(),
}
"""AllowCreateOnUpdate in Kubernetes 1.33."""


def put(client: Client, kind: str, **metadata: str) -> Any:
    manifest = {**MADE.get(kind, {}), "metadata": {"name": "one", **metadata}}
    return client.update(kind, "one", manifest, "shop" if registry.kind(kind).namespaced else "")


def test_the_kinds_that_a_put_makes_are_upstreams() -> None:
    assert {kind.name for kind in registry.kinds().values() if kind.made_by_update} == set(MADE)


@pytest.mark.parametrize("kind", MADE)
def test_a_put_makes_what_is_not_there(client: Client, shop: JSON, kind: str) -> None:
    answer = put(client, kind, resourceVersion="1")
    assert answer.created
    assert answer.obj["metadata"]["name"] == "one" and answer.obj["metadata"]["uid"]
    assert not put(client, kind, resourceVersion=answer.obj["metadata"]["resourceVersion"]).created


def test_no_other_kind_is_made_by_a_put(client: Client, shop: JSON) -> None:
    for kind in registry.kinds().values():
        if kind.name not in MADE and not kind.is_fixed:
            with pytest.raises(NotFound):
                put(client, kind.name)


def test_a_put_of_another_life_makes_nothing(client: Client, shop: JSON) -> None:
    with pytest.raises(Conflict, match=r"Precondition failed: UID in precondition: gone, UID in object meta: $"):
        put(client, "Lease", uid="gone")
    assert client.count("Lease") == 0


def test_a_put_in_a_namespace_that_is_not_there_makes_nothing(client: Client) -> None:
    with pytest.raises(NotFound, match='namespaces "shop" not found'):
        put(client, "Lease")


def test_a_put_of_nothing_that_is_tried_out_makes_nothing(client: Client, shop: JSON) -> None:
    lease = {"metadata": {"name": "one"}}
    assert client.update("Lease", "one", lease, "shop", options=WriteOptions(dry_run=True)).created
    assert client.count("Lease") == 0


def test_a_put_that_makes_needs_the_right_to_make(shop: JSON) -> None:
    may = Identity(account="acme", user="bob", actions=("cci:lease:update",))
    with pytest.raises(Forbidden, match="require cci:lease:create") as refused:
        put(Client(may), "Lease")
    assert refused.value.body()["details"]["kind"] == "leases"


def test_a_lease_is_replaced_by_who_says_which_revision(client: Client, shop: JSON) -> None:
    """Or two programs would both believe to lead."""
    put(client, "Lease")
    with pytest.raises(Invalid, match=r"metadata.resourceVersion: Invalid value: 0x0: must be specified"):
        put(client, "Lease")
    patched = client.patch("Lease", "one", {"spec": {"holderIdentity": "you"}}, "application/merge-patch+json", "shop")
    assert patched.obj["spec"]["holderIdentity"] == "you"


def test_everything_else_is_replaced_whatever_the_revision(client: Client, web: JSON) -> None:
    del web["metadata"]["resourceVersion"]
    web["spec"]["replicas"] = 5
    assert client.update("Deployment", "web", web, "shop").obj["spec"]["replicas"] == 5


def test_what_is_put_says_its_name(client: Client, web: JSON) -> None:
    del web["metadata"]["name"]
    with pytest.raises(BadRequest, match=r"the name of the object .web based on URL. was undeterminable"):
        client.update("Deployment", "web", web, "shop")
