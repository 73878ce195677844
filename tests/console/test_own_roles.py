"""Roles of an account's own, and roles given in every namespace: written, changed, deleted, and who has them."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from iam import people, policies
from iam.identities import Identity, identity_of
from tests import manifests
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.test_pages import text_of
from workloads.client import Client
from workloads.meta.errors import NotFound

RULES = "- apiGroups: ['']\n  resources: [configmaps]\n  resourceNames: [settings]\n  verbs: [get]\n"
ROLE, EVERYWHERE = "/namespaces/bank/roles/reader/", "/access/everywhere/"


@pytest.fixture
def admin(browser: Browser) -> Identity:
    return identity_of(scenes.user())


@pytest.fixture
def bank(admin: Identity) -> Client:
    """A namespace, and bob, who may do all work and read roles."""
    Client(admin).create("Namespace", manifests.namespace("bank"))
    people.create_user(admin, "bob", password="battery staple", policies=[policies.FULL_ACCESS])
    return Client(admin)


def write(browser: Browser, **fields: str):
    asked = {"go": "submit", "namespace": "bank", "name": "reader", "rules": RULES, **fields}
    return browser.post("/create/role/", asked)


def test_a_role_is_created_given_changed_and_deleted(bank: Client, browser: Browser) -> None:
    assert write(browser).headers["Location"] == ROLE
    assert "configmaps get settings" in text_of(browser, ROLE) and "Nobody yet." in text_of(browser, ROLE)
    browser.post("/namespaces/bank/access/add/", {"kind": "User", "name": "bob", "role": "Role/reader"})
    assert "bob user" in text_of(browser, ROLE) and "bob user" in text_of(browser, "/access/roles/")

    since = bank.get("Role", "reader", "bank")["metadata"]["resourceVersion"]
    browser.post(f"{ROLE}edit/", {"go": "submit", "rules": RULES.replace("[get]", "[get, list]"), "since": since})
    assert bank.get("Role", "reader", "bank")["rules"][0]["verbs"] == ["get", "list"]
    stale = browser.post(f"{ROLE}edit/", {"go": "submit", "rules": RULES, "since": since})
    assert stale.status_code == 422 and "Somebody changed it meanwhile" in stale.content.decode()

    assert "Who has it loses what it allows: bob user" in text_of(browser, f"{ROLE}delete/")
    assert browser.post(f"{ROLE}delete/", {"word": "reader"}).headers["Location"] == "/access/roles/"
    with pytest.raises(NotFound):
        bank.get("Role", "reader", "bank")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", "Write what is allowed"),
        ("verbs: [get]", "Rules are a list"),
        ("- resources: [pods", "line"),
        ("- apiGroups: ['']\n  resources: [pods]\n  verbs: []", "verbs must contain at least one value"),
    ],
)
def test_what_is_no_role_is_said_while_one_types(bank: Client, browser: Browser, rules: str, said: str) -> None:
    answer = browser.post("/create/role/", {"go": "look", "namespace": "bank", "rules": rules})
    page = answer.content.decode()
    assert answer.status_code == 200 and "Not yet a Role" in page and said in page
    assert write(browser, rules=rules).status_code == 422


def test_examples_are_roles(bank: Client, browser: Browser) -> None:
    for name in ("pods", "deploy", "one"):
        page = browser.post("/create/role/", {"go": f"begin-{name}", "namespace": "bank"}).content.decode()
        assert "What it amounts to" in page
    write(browser)
    assert "has a Role of this name already" in write(browser).content.decode()


def test_nobody_writes_a_role_that_allows_more_than_they_may(bank: Client, browser: Browser, admin: Identity) -> None:
    actions = ["CCI:role:create", "CCI:pod:get", "CCI:namespace:*"]
    document = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": actions}]}
    people.create_policy(admin, "roles", document=document)
    people.create_user(admin, "eve", password="battery staple", policies=["roles"])
    refused = write(signed_in("acme", "eve"))
    assert refused.status_code == 422 and "no more than you may do there yourself" in refused.content.decode()
    assert bank.list("Role", "bank").items == []


def test_a_role_is_given_in_every_namespace_and_taken_away(bank: Client, browser: Browser) -> None:
    browser.post(f"{EVERYWHERE}add/", {"kind": "User", "name": "bob", "role": "ClusterRole/view"})
    assert "bob user view" in text_of(browser, EVERYWHERE) and "in every namespace" in text_of(browser, "/users/bob/")
    again = browser.post(f"{EVERYWHERE}add/", {"kind": "User", "name": "bob", "role": "ClusterRole/view"})
    assert again.status_code == 422 and "has this role here already" in again.content.decode()

    place = f"{EVERYWHERE}binding/view-user-bob/"
    change = {"ticked": "User//bob", "kind": "ServiceAccount", "name": "bank/robot"}
    unsure = browser.post(f"{place}change/", change).content.decode()
    assert "Type <strong>DELETE</strong> to confirm" in unsure and 'value="User//bob" checked' in unsure
    assert [one["name"] for one in bank.get("ClusterRoleBinding", "view-user-bob")["subjects"]] == ["bob"]
    browser.post(f"{place}change/", {**change, "word": "DELETE"})
    subjects = bank.get("ClusterRoleBinding", "view-user-bob")["subjects"]
    assert subjects == [{"kind": "ServiceAccount", "name": "robot", "namespace": "bank"}]
    emptied = browser.post(f"{place}change/", {"ticked": "ServiceAccount/bank/robot"})
    assert emptied.status_code == 422 and "Nobody would be left" in emptied.content.decode()
    browser.post(f"{place}delete/", {"word": "DELETE"})
    assert bank.list("ClusterRoleBinding").items == []


def test_who_is_named_wrongly_is_said_at_the_name(bank: Client, browser: Browser) -> None:
    for fields in ({"kind": "ServiceAccount", "name": "robot"}, {"kind": "Group", "name": "gone"}):
        answer = browser.post(f"{EVERYWHERE}add/", {"role": "ClusterRole/view", **fields})
        assert answer.status_code == 422 and 'id="id_name_error"' in answer.content.decode()


def test_who_may_only_read_is_offered_no_changes(bank: Client, browser: Browser, admin: Identity) -> None:
    write(browser)
    browser.post(f"{EVERYWHERE}add/", {"kind": "User", "name": "bob", "role": "ClusterRole/view"})
    people.create_user(admin, "eve", password="battery staple", policies=[policies.READ_ONLY])
    eve = signed_in("acme", "eve")
    for address in (EVERYWHERE, ROLE, "/access/roles/"):
        page = eve.get(address).content.decode()
        assert not any(word in page for word in (">Delete<", ">Change<", "Create a Role</a>", "Give a role everywhere"))
    for address in ("binding/view-user-bob/change/", "binding/view-user-bob/delete/", "add/"):
        assert eve.get(EVERYWHERE + address).status_code == 403
