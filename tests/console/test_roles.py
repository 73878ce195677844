"""Roles in namespaces: whether they count, who has one, and what somebody may do, as the service would answer."""

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
from workloads.kinds.namespaces import RBAC_LABEL

TAB = "/namespaces/bank/access/"


@pytest.fixture
def admin(browser: Browser) -> Identity:
    return identity_of(scenes.user())


@pytest.fixture
def bank(admin: Identity) -> Client:
    """A namespace with roles, and bob, whose policies allow all work."""
    manifest = manifests.namespace("bank")
    manifest["metadata"]["labels"] = {RBAC_LABEL: "true"}
    Client(admin).create("Namespace", manifest)
    people.create_group(admin, "devs", policies=[policies.FULL_ACCESS])
    people.create_user(admin, "bob", password="battery staple", groups=["devs"])
    return Client(admin)


def give(browser: Browser, **fields: str):
    return browser.post(f"{TAB}add/", {"kind": "User", "role": "ClusterRole/view", **fields})


def test_the_tab_says_whether_roles_count(shop: None, bank: Client, browser: Browser) -> None:
    assert "Roles are off." in text_of(browser, "/namespaces/shop/access/")
    text = text_of(browser, TAB)
    assert "Roles are on." in text and "ClusterRoleBinding, in every namespace" in text
    listed = text_of(browser, "/access/")
    assert "bank roles on" in listed and "shop roles off" in listed and "web user view" in listed


def test_a_role_is_given_and_taken_away(bank: Client, browser: Browser) -> None:
    assert "administrators alone can work in this namespace" in text_of(browser, TAB)
    assert give(browser, kind="Group", name="devs", role="ClusterRole/edit").status_code == 302
    assert "devs group edit" in text_of(browser, TAB) and "edit by group devs" in text_of(browser, "/users/bob/")
    bob = signed_in("acme", "bob")
    assert bob.get("/namespaces/bank/secrets/").status_code == 200
    unsure = browser.post(f"{TAB}edit-group-devs/remove/", {"ticked": "Group//devs"})
    assert unsure.status_code == 422 and "Type <strong>devs</strong> to confirm" in unsure.content.decode()
    assert len(bank.list("RoleBinding", "bank").items) == 1
    browser.post(f"{TAB}edit-group-devs/remove/", {"ticked": "Group//devs", "word": "devs"})
    assert bank.list("RoleBinding", "bank").items == []


def test_what_cannot_be_given_stands_at_its_field_and_stays_typed(bank: Client, browser: Browser) -> None:
    answer = give(browser, name="nobody")
    page = answer.content.decode()
    assert answer.status_code == 422 and "There is no user called nobody in this account" in page
    assert 'value="nobody"' in page and 'value="ClusterRole/view" checked' in page
    give(browser, name="bob")
    assert "has this role here already, by RoleBinding view-user-bob" in give(browser, name="bob").content.decode()
    assert "Choose a role." in give(browser, name="bob", role="").content.decode()


def test_nobody_gives_more_than_they_have(bank: Client, browser: Browser) -> None:
    give(browser, name="bob", role="ClusterRole/admin")
    bob = signed_in("acme", "bob")
    answer = give(bob, name="bob", role="ClusterRole/cluster-admin")
    assert answer.status_code == 422 and "more than you may do here yourself" in answer.content.decode()
    assert len(bank.list("RoleBinding", "bank").items) == 1


def test_one_of_several_subjects_loses_the_role(bank: Client, browser: Browser) -> None:
    subjects = [{"kind": "User", "name": "bob"}, {"kind": "Group", "name": "gone"}]
    role = {"kind": "ClusterRole", "name": "view"}
    bank.create("RoleBinding", {"metadata": {"name": "both"}, "roleRef": role, "subjects": subjects}, "bank")
    assert "gone group nobody is called so" in text_of(browser, TAB)
    assert browser.post(f"{TAB}both/remove/").status_code == 422
    unsure = browser.post(f"{TAB}both/remove/", {"ticked": "Group//gone", "word": "gone"}).content.decode()
    assert "Type DELETE, exactly so." in unsure and 'value="Group//gone" checked' in unsure
    assert "Tick who loses the role." in browser.post(f"{TAB}both/remove/", {"word": "DELETE"}).content.decode()
    browser.post(f"{TAB}both/remove/", {"ticked": "Group//gone", "word": "DELETE"})
    assert [one["name"] for one in bank.get("RoleBinding", "both", "bank")["subjects"]] == ["bob"]


def test_the_check_tells_which_of_the_two_is_missing(bank: Client, browser: Browser, admin: Identity) -> None:
    give(browser, name="bob")
    text = text_of(browser, f"{TAB}?who=bob")
    assert "bob has the policies CCI FullAccess ; roles here: view" in text and "no role no role no role" in text
    people.detach(admin, policies.FULL_ACCESS, group="devs")
    assert "no policy no policy no policy" in text_of(browser, f"{TAB}?who=bob")
    assert "is an administrator" in text_of(browser, f"{TAB}?who=alice")
    assert "There is no active user called nobody." in text_of(browser, f"{TAB}?who=nobody")


def test_of_others_only_those_ask_who_may(bank: Client, browser: Browser, admin: Identity) -> None:
    people.create_user(admin, "eve", password="battery staple", policies=[policies.READ_ONLY])
    give(browser, name="eve", role="ClusterRole/admin")
    eve = signed_in("acme", "eve")
    assert "cci:subjectaccessreview:create" in text_of(eve, f"{TAB}?who=bob")
    assert "no policy no policy no policy" in text_of(eve, f"{TAB}?who=eve")
    assert "Give a role" not in text_of(eve, TAB) and eve.get(f"{TAB}add/").status_code == 403


def test_who_may_not_see_roles_is_told_what_is_missing(bank: Client, browser: Browser) -> None:
    give(browser, name="bob")
    refused = signed_in("acme", "bob").get(TAB)
    assert refused.status_code == 403 and "require cci:rolebinding:list" in refused.content.decode()
