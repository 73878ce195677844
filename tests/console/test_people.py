"""Users, groups and policies over REST: for administrators of the account, and nobody else."""

from __future__ import annotations

import json

import pytest
from django.test import Client as Browser
from django.urls import reverse

from console.rest.urls import urlpatterns
from iam import people
from iam.identities import identity_of
from tests import manifests
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.test_rest import assert_status
from workloads.client import Client
from workloads.kinds.namespaces import RBAC_LABEL

ROOT = "/api/v1/"
PODS = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod:*"]}]}
NAMES = {"name": "bob", "policy": "CCI ReadOnlyAccess", "member": "bob", "namespace": "shop"}


@pytest.fixture
def bob(browser: Browser) -> Browser:
    """Signed in; may read."""
    people.create_user(identity_of(scenes.user()), "bob", password="long enough", policies=["CCI ReadOnlyAccess"])
    return signed_in("acme", "bob")


def send(browser: Browser, method: str, path: str, body: object = None):
    return browser.generic(method, ROOT + path, "" if body is None else json.dumps(body), "application/json")


def test_an_administrator_makes_users_groups_and_policies(browser: Browser) -> None:
    assert send(browser, "POST", "policies", {"name": "pods", "document": PODS}).status_code == 201
    assert send(browser, "POST", "groups", {"name": "devs", "policies": ["pods"]}).status_code == 201
    asked = {"name": "eve", "password": "long enough", "groups": ["devs"]}
    made = send(browser, "POST", "users", asked)
    assert (made.status_code, made.json()["groups"]) == (201, ["devs"])
    assert "password" not in made.json()
    assert send(browser, "PUT", "users/eve/policies/CCI%20ReadOnlyAccess").json()["policies"] == ["CCI ReadOnlyAccess"]
    eve = send(browser, "GET", "users/eve").json()
    assert eve["effectivePolicies"] == ["CCI ReadOnlyAccess", "pods"]


def test_what_is_made_can_be_undone(browser: Browser, bob: Browser) -> None:
    send(browser, "POST", "groups", {"name": "devs"})
    assert send(browser, "PUT", "groups/devs/members/bob").json()["members"] == ["bob"]
    assert send(browser, "DELETE", "groups/devs/members/bob").json()["members"] == []
    assert send(browser, "PATCH", "groups/devs", {"description": "They build."}).json()["description"] == "They build."
    assert send(browser, "PATCH", "users/bob", {"active": False}).json()["active"] is False
    for path in ("users/bob/policies/CCI%20ReadOnlyAccess", "groups/devs", "users/bob"):
        assert send(browser, "DELETE", path).status_code == 204
    assert [user["name"] for user in send(browser, "GET", "users").json()["items"]] == ["alice"]


def test_system_policies_are_listed_first(browser: Browser) -> None:
    send(browser, "POST", "policies", {"name": "pods", "document": PODS})
    items = send(browser, "GET", "policies").json()["items"]
    assert [item["name"] for item in items if item["system"]] == [
        "CCI Administrator",
        "CCI FullAccess",
        "CCI CommonOperations",
        "CCI ReadOnlyAccess",
    ]
    assert items[-1]["name"] == "pods" and items[-1]["document"] == PODS


def test_what_is_wrong_is_said_by_field(browser: Browser) -> None:
    answer = send(browser, "POST", "users", {"name": "a b", "password": "x", "policies": ["none"]})
    assert_status(answer, 422, "Invalid")
    assert [cause["field"] for cause in answer.json()["details"]["causes"]] == ["name", "password", "policies"]
    broken = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod"]}]}
    answer = send(browser, "POST", "policies", {"name": "x", "document": broken})
    assert answer.json()["details"]["causes"][0]["field"] == "Statement[0].Action[0]"


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "reason"),
    [
        ("POST", "users", {"name": 7}, 400, "BadRequest"),
        ("POST", "users", [], 400, "BadRequest"),
        ("POST", "users", {"nickname": "x"}, 400, "BadRequest"),
        ("POST", "groups", {"name": "x", "policies": [1]}, 400, "BadRequest"),
        ("PATCH", "users/alice", {}, 400, "BadRequest"),
        ("GET", "users/nobody", None, 404, "NotFound"),
        ("POST", "users", {"name": "alice", "password": "long enough"}, 409, "AlreadyExists"),
        ("DELETE", "users/alice", None, 409, "Conflict"),
        ("DELETE", "users/alice/policies/CCI%20Administrator", None, 409, "Conflict"),
        ("PATCH", "policies/CCI%20FullAccess", {"document": PODS}, 409, "Conflict"),
        ("PUT", "users", None, 405, "MethodNotAllowed"),
    ],
)
def test_every_failure_is_a_status(
    browser: Browser, method: str, path: str, body: object, code: int, reason: str
) -> None:
    assert_status(send(browser, method, path, body), code, reason)


def _places() -> list[str]:
    managing = [pattern for pattern in urlpatterns if "rest.people" in str(getattr(pattern.callback, "__module__", ""))]
    return [
        reverse(pattern.name, kwargs={key: NAMES[key] for key in pattern.pattern.converters}) for pattern in managing
    ]


@pytest.mark.parametrize("place", _places())
def test_nobody_but_administrators_gets_in_anywhere(bob: Browser, browser: Browser, place: str) -> None:
    """Every address that manages people, with every method: 403, or 405 where there is no such method."""
    body = {"name": "x", "password": "long enough", "document": PODS, "description": "x", "active": True}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = send(bob, method, place.removeprefix(ROOT), _known(place, body))
        assert answer.status_code in (403, 405), answer.content
        assert send(Browser(), method, place.removeprefix(ROOT), body).status_code in (401, 403, 405)
    assert people.attached_to(people.user(identity_of(scenes.user()), "bob")) == ["CCI ReadOnlyAccess"]


def _known(place: str, body: dict[str, object]) -> dict[str, object]:
    """The fields that the address knows, so that the right is what is missing."""
    wanted = {
        "users": ("name", "password"),
        "bob": ("active",) if "users" in place else ("description",),
        "groups": ("name",),
        "policies": ("name", "document"),
    }
    return {key: body[key] for key in wanted.get(place.rpartition("/")[2], ())}


def test_a_stranger_finds_nobody(bob: Browser, strangers_browser: Browser) -> None:
    assert [user["name"] for user in send(strangers_browser, "GET", "users").json()["items"]] == ["charlie"]
    assert_status(send(strangers_browser, "GET", "users/bob"), 404, "NotFound")
    assert_status(send(strangers_browser, "DELETE", "users/bob"), 404, "NotFound")


def test_what_the_account_costs_is_told_to_those_who_see_its_pods(browser: Browser) -> None:
    people.create_user(identity_of(scenes.user()), "eve", password="long enough")
    assert_status(signed_in("acme", "eve").get("/api/v1/cost"), 403, "Forbidden")
    assert browser.get("/api/v1/cost").status_code == 200


def test_pages_show_what_a_user_may_see_and_refuse_the_rest(shop: None, bob: Browser) -> None:
    """bob may read; `bank` has roles, and he has none."""
    admin = Client(identity_of(scenes.user()))
    bank = manifests.namespace("bank")
    bank["metadata"]["labels"] = {RBAC_LABEL: "true"}
    admin.create("Namespace", bank)
    admin.create("ConfigMap", {"metadata": {"name": "vault"}}, "bank")
    for url in ("/", "/namespaces/", "/pods/", "/deployments/", "/ended-pods/", "/kubectl/"):
        assert bob.get(url).status_code == 200, url
    listed = bob.get("/configmaps/").content.decode()
    assert "web" in listed and "vault" not in listed
    refused = bob.get("/namespaces/bank/configmaps/")
    assert refused.status_code == 403 and "require cci:configmap:list" in refused.content.decode()
    assert "you have no role in it" in bob.get("/namespaces/").content.decode()
    assert 'button--primary" href="/create/namespace/"' not in bob.get("/namespaces/").content.decode()
    answer = bob.post("/namespaces/shop/pods/lonely/delete/")
    assert answer.status_code == 403 and "require cci:pod:delete" in answer.content.decode()


def test_who_may_nothing_is_told_so_and_finds_help(browser: Browser) -> None:
    people.create_user(identity_of(scenes.user()), "eve", password="long enough")
    eve = signed_in("acme", "eve")
    assert "require cci:namespace:list" in eve.get("/").content.decode()
    assert eve.get("/help/").status_code == eve.get("/kubectl/").status_code == 200
