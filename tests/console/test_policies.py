"""Policies on their pages: documents in words, checked by the server's rules while one types."""

from __future__ import annotations

import json

import pytest
from django.test import Client as Browser

from console import policywords
from iam import people, policies
from iam.identities import Identity, identity_of
from tests.console import scenes
from tests.console.test_pages import text_of

SHOP = ["CCI:*:*:namespace:shop-*"]


def document(*statements: tuple[str, list[str]], **rest: object) -> dict[str, object]:
    said = [{"Effect": effect, "Action": actions, **rest} for effect, actions in statements]
    return {"Version": "1.1", "Statement": said}


@pytest.fixture
def admin(browser: Browser) -> Identity:
    return identity_of(scenes.user())


def cells(*documents: dict[str, object]) -> dict[str, list[str]]:
    return {
        noun: [f"{cell.word} {cell.sentence}".strip() for cell in row.cells]
        for row in policywords.table(documents)
        for noun in row.nouns
    }


def test_the_table_shows_what_a_deny_leaves_of_an_allow() -> None:
    everything = document(("Allow", ["CCI:*:*"]), ("Deny", ["CCI:secret:*"]))
    limited = document(("Allow", ["CCI:pod:*", "CCI:node:get"]), Resource=SHOP)
    forbidden = document(("Deny", ["CCI:pod:delete"]), Resource=SHOP)
    assert cells(everything)["secret"] == ["denied"] * 5 and cells(everything)["pod"] == ["yes"] * 5
    assert cells(limited) == {"pod": ["yes in shop-*"] * 5}  # a node lies in no namespace
    assert cells(everything, forbidden)["pod"] == ["yes"] * 4 + ["yes not in shop-*"]


@pytest.mark.parametrize("policy", policies.SYSTEM.values(), ids=lambda policy: policy.name)
def test_the_table_is_what_the_service_decides(policy: policies.SystemPolicy) -> None:
    rights = policies.rights([policy.document])
    for service, nouns in (("cci", policies.NOUNS), ("iam", policies.IAM_NOUNS)):
        for noun in nouns:
            for verb, said in zip(policies.VERBS, cells(policy.document).get(noun, ["no"] * 5), strict=True):
                assert policies.permits(*rights, f"{service}:{noun}:{verb}", None) == (said == "yes"), (noun, verb)


def test_statements_are_told_in_sentences(browser: Browser, admin: Identity) -> None:
    people.create_policy(admin, "look", document=document(("Allow", ["CCI:*:get", "CCI:*:list", "CCI:pod:*"])))
    people.attach(admin, "look", user="alice")
    text = text_of(browser, "/policies/look/")
    assert "Allows to read, list everything of CCI; do everything with pod." in text and "Who has it alice" in text
    assert (
        "Everything else" in text
        and cells(people.own_policy(admin, "look").document)["job"] == ["yes"] * 2 + ["no"] * 3
    )


def test_what_is_typed_is_checked_while_one_types_and_nothing_is_made(browser: Browser, admin: Identity) -> None:
    typed = json.dumps(document(("Maybe", ["CCI:pots:get"])))
    answer = browser.post("/create/policy/", {"go": "look", "name": "", "document": typed})
    page = answer.content.decode()
    assert answer.status_code == 200 and "Statement[0].Effect must be Allow or Deny." in page
    assert "there is no pots" in page and people.custom_policies(admin) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write what is allowed"),
        ('{"Version": "1.1",', "line 1 column"),
        ('{"Version": "1.1", "Version": "1.1", "Statement": []}', "Version stands twice"),
        ("[1]", "Must be an object with Version and Statement"),
        ("Version: [", "YAML"),
        ('{"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod"]}]}', "Statement[0].Action[0]"),
    ],
)
def test_what_is_wrong_with_a_document_stands_at_it_and_it_stays(browser: Browser, typed: str, said: str) -> None:
    answer = browser.post("/create/policy/", {"go": "submit", "name": "x", "document": typed})
    page = answer.content.decode()
    assert answer.status_code == 422 and 'id="id_document_error"' in page
    assert said in page.replace("&quot;", '"').partition('id="id_document_error"')[2]


def test_yaml_is_a_document_too(browser: Browser, admin: Identity) -> None:
    typed = 'Version: "1.1"\nStatement:\n- Effect: Allow\n  Action: ["CCI:pod:get"]\n'
    assert browser.post("/create/policy/", {"go": "submit", "name": "x", "document": typed}).status_code == 302
    assert people.custom_policies(admin)[0].document == document(("Allow", ["CCI:pod:get"]))


def test_who_changed_it_meanwhile_is_not_overwritten(browser: Browser, admin: Identity) -> None:
    made = people.create_policy(admin, "look", document=document(("Allow", ["CCI:*:get"])))
    sent = {"go": "submit", "since": made.changed.isoformat(), "document": json.dumps(document(("Deny", ["CCI:*:*"])))}
    people.change_policy(admin, "look", description="Somebody else.")
    refused = browser.post("/policies/look/edit/", sent)
    assert refused.status_code == 422 and "Somebody changed it meanwhile" in refused.content.decode()
    sent["since"] = people.own_policy(admin, "look").changed.isoformat()
    assert browser.post("/policies/look/edit/", sent).status_code == 302


def test_a_policy_that_somebody_has_stays_and_says_who(browser: Browser, admin: Identity) -> None:
    people.create_policy(admin, "look", document=document(("Allow", ["CCI:*:get"])))
    people.create_group(admin, "devs", policies=["look"])
    assert "so it stays. Detach it there first: group devs" in text_of(browser, "/policies/look/delete/")
    assert browser.post("/policies/look/delete/", {"word": "look"}).status_code == 422
    people.detach(admin, "look", group="devs")
    assert browser.post("/policies/look/delete/", {"word": "look"}).status_code == 302
    assert people.custom_policies(admin) == []


def test_system_policies_are_copied_and_not_changed(browser: Browser) -> None:
    url = "/policies/CCI%20CommonOperations/"
    assert browser.get(f"{url}edit/").status_code == browser.post(f"{url}delete/").status_code == 409
    copied = browser.get("/create/policy/?from=CCI%20CommonOperations").content.decode()
    assert "CCI:deployment:*" in copied
    assert "/policies/CCI%20CommonOperations/" in browser.get("/policies/").content.decode()
