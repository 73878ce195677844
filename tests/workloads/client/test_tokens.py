"""Tokens of ServiceAccounts: whose they are, what they are for, and what they die with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from iam import jws, signing
from tests import manifests
from workloads.client import Client, DeleteOptions, InvalidToken, bearer
from workloads.kinds.tokenrequests import ISSUER
from workloads.meta.errors import BadRequest, Conflict, Invalid, NotFound

JSON = dict[str, Any]


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 1, 12, tzinfo=UTC), tick=False) as travel:
        yield travel


@pytest.fixture
def robot(client: Client, shop: JSON) -> JSON:
    manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    return client.create("ServiceAccount", manifest, "shop").obj


@pytest.fixture
def walker(client: Client, robot: JSON) -> JSON:
    """A pod that runs as robot."""
    return client.create("Pod", manifests.pod("walker", serviceAccountName="robot"), "shop").obj


def ask(client: Client, name: str = "robot", **spec: Any) -> JSON:
    return client.create_token(name, {"spec": spec}, "shop").obj


def token(client: Client, **spec: Any) -> str:
    return str(ask(client, **spec)["status"]["token"])


def bound(pod: JSON, **rest: str) -> JSON:
    return {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"], **rest}


def test_a_token_signs_in_as_its_account_in_kubernetes_words(client, robot):
    found = bearer(token(client))
    assert (found.identity.account, found.identity.user) == ("acme", "system:serviceaccount:shop:robot")
    assert set(found.identity.groups) == {
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
        "system:authenticated",
    }
    assert found.identity.actions == () and not found.identity.is_controller
    assert found.expires == datetime(2026, 1, 1, 13, tzinfo=UTC)


def test_its_claims_are_those_of_kubernetes(client, robot, walker):
    claims = jws.read(token(client, boundObjectRef=bound(walker)), signing.keys().public)
    assert claims["kubernetes.io"] == {
        "namespace": "shop",
        "serviceaccount": {"name": "robot", "uid": robot["metadata"]["uid"]},
        "pod": {"name": "walker", "uid": walker["metadata"]["uid"]},
    }
    assert (claims["iss"], claims["aud"]) == (ISSUER, [ISSUER])
    assert claims["exp"] - claims["iat"] == 3600 and claims["nbf"] == claims["iat"]
    assert claims["sub"] == "system:serviceaccount:shop:robot"


def test_no_two_requests_get_the_same_token(client, robot):
    assert token(client) != token(client)


def test_the_answer_tells_what_was_given(client, robot):
    answer = ask(client, expirationSeconds=1200, audiences=["vault"])
    assert answer["spec"] == {"expirationSeconds": 1200, "audiences": ["vault"]}
    assert answer["status"]["expirationTimestamp"] == "2026-01-01T12:20:00Z"
    assert (answer["metadata"]["name"], answer["metadata"]["namespace"]) == ("robot", "shop")


def test_it_runs_out(client, robot, noon):
    mine = token(client, expirationSeconds=600)
    noon.shift(599)
    bearer(mine)
    noon.shift(1)
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_a_day_is_the_longest(client, robot):
    answer = client.create_token("robot", {"spec": {"expirationSeconds": 100_000}}, "shop")
    assert answer.warnings == ("requested expiration of 100000 seconds shortened to 86400 seconds",)
    assert answer.obj["status"]["expirationTimestamp"] == "2026-01-02T12:00:00Z"
    assert answer.obj["spec"]["expirationSeconds"] == 86400


def test_what_is_for_somebody_else_does_not_sign_in(client, robot):
    theirs = token(client, audiences=["vault"])
    with pytest.raises(InvalidToken):
        bearer(theirs)
    assert bearer(theirs, audiences=("vault", "other")).audiences == ("vault",)


def test_it_dies_with_its_account_also_when_another_takes_the_name(client, robot):
    mine = token(client)
    client.delete("ServiceAccount", "robot", "shop")
    with pytest.raises(InvalidToken):
        bearer(mine)
    client.create("ServiceAccount", {"metadata": {"name": "robot"}}, "shop")
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_it_dies_with_the_pod_it_is_bound_to(client, controller, walker):
    mine = token(client, boundObjectRef=bound(walker))
    bearer(mine)
    controller.delete("Pod", "walker", "shop", options=DeleteOptions(grace_seconds=0))
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_a_pod_that_goes_may_use_it_to_the_end_of_its_grace_and_a_minute(client, walker, noon):
    mine = token(client, boundObjectRef=bound(walker))
    client.delete("Pod", "walker", "shop", options=DeleteOptions(grace_seconds=30))
    noon.shift(timedelta(seconds=89))
    bearer(mine)
    noon.shift(timedelta(seconds=2))
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_it_can_be_bound_to_a_secret(client, robot):
    client.create("Secret", {"metadata": {"name": "leash"}}, "shop")
    mine = token(client, boundObjectRef={"kind": "Secret", "apiVersion": "v1", "name": "leash"})
    bearer(mine)
    client.delete("Secret", "leash", "shop")
    with pytest.raises(InvalidToken):
        bearer(mine)


def test_what_cannot_be_given_is_refused_in_kubernetes_words(client, robot, walker, one):
    with pytest.raises(NotFound, match='serviceaccounts "nobody" not found'):
        ask(client, "nobody")
    with pytest.raises(Invalid, match="may not specify a duration less than 10 minutes"):
        ask(client, expirationSeconds=599)
    with pytest.raises(BadRequest, match="running with different serviceaccount name"):
        ask(client, boundObjectRef=bound(one))
    with pytest.raises(BadRequest, match="cannot bind token to object of type /v1, Kind=Node"):
        ask(client, boundObjectRef={"kind": "Node", "apiVersion": "v1", "name": "n"})
    with pytest.raises(Conflict, match="does not match the UID in record"):
        ask(client, boundObjectRef=bound(walker, uid="another"))
    with pytest.raises(Invalid, match="must match the service account name if specified"):
        client.create_token("robot", {"metadata": {"name": "other"}, "spec": {}}, "shop")


def test_a_foreign_account_is_not_found(stranger, robot):
    with pytest.raises(NotFound):
        ask(stranger)


def test_a_token_of_one_account_is_nothing_in_another(client, stranger, robot):
    stranger.create("Namespace", manifests.namespace("shop"))
    stranger.create("ServiceAccount", {"metadata": {"name": "robot"}}, "shop")
    assert bearer(token(client)).identity.account == "acme"


@pytest.mark.parametrize(
    "said",
    [
        {"kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "robot"}}},
        {"kubernetes.io": "x"},
        {"iss": "https://elsewhere"},
        {"sub": "system:serviceaccount:shop:other"},
        {"cci.io": None},
        {"exp": "soon"},
        {"nbf": 4102444800},
    ],
)
def test_claims_out_of_order_sign_nobody_in(client, robot, said):
    keys = signing.keys()
    claims = jws.read(token(client), keys.public)
    bearer(jws.sign(claims, keys.signing))
    with pytest.raises(InvalidToken):
        bearer(jws.sign({**claims, **said}, keys.signing))
