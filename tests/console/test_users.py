"""Users and groups on their pages: what is wrong stands where it can be mended, and who goes takes everything along."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from iam import accesskeys, logins, people, policies, tokens
from iam.identities import Identity, identity_of
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.test_pages import text_of

PASSWORD = "battery staple"


@pytest.fixture
def admin(browser: Browser) -> Identity:
    return identity_of(scenes.user())


@pytest.fixture
def bob(admin: Identity) -> str:
    """In the group devs, which may read."""
    people.create_group(admin, "devs", policies=[policies.READ_ONLY])
    return people.create_user(admin, "bob", password=PASSWORD, groups=["devs"]).name


def test_a_made_password_is_shown_once_and_signs_in(browser: Browser, admin: Identity) -> None:
    made = browser.post("/create/user/", {"name": "eve", "policies": [policies.READ_ONLY]})
    assert "no-store" in made.headers["Cache-Control"]
    password = re.search(r'aria-label="Password">([^<]+)<', made.content.decode())
    assert password and logins.check("acme", "eve", password[1]).name == "eve"
    assert password[1] not in browser.get("/users/eve/").content.decode()


def test_what_is_wrong_with_a_user_stands_at_its_field_and_nothing_typed_is_lost(browser: Browser, bob: str) -> None:
    answer = browser.post("/create/user/", {"name": "a b", "password": "short", "groups": ["devs"]})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_name_error"' in page and 'id="id_password_error"' in page and 'value="a b"' in page
    assert re.search(r'name="groups" value="devs" checked', page)
    assert "already exists" in browser.post("/create/user/", {"name": "bob", "password": PASSWORD}).content.decode()


def test_a_users_page_says_which_way_each_policy_came(browser: Browser, admin: Identity, bob: str) -> None:
    people.attach(admin, policies.FULL_ACCESS, user=bob)
    text = text_of(browser, "/users/bob/")
    assert f"{policies.FULL_ACCESS} system attached directly" in text
    assert f"{policies.READ_ONLY} system by group devs" in text


def test_the_list_says_what_is_the_matter_with_somebody(browser: Browser, admin: Identity, bob: str) -> None:
    people.create_user(admin, "eve", password=PASSWORD)
    for _try in range(logins.FREE_TRIES):
        with pytest.raises(logins.WrongLogin):
            logins.check("acme", bob, "wrong", address="192.0.2.7")
    text = text_of(browser, "/users/")
    assert "eve No rights no policy" in text and "bob Locked too many wrong passwords" in text
    browser.post("/users/bob/change/", {"do": "unlock"})
    assert "bob Active" in text_of(browser, "/users/") and logins.check("acme", bob, PASSWORD, address="192.0.2.7")


def test_policies_are_ticked_and_unticked_in_one_go(browser: Browser, admin: Identity, bob: str) -> None:
    people.attach(admin, policies.COMMON_OPERATIONS, user=bob)
    sent = {"had": [policies.COMMON_OPERATIONS], "ticked": [policies.READ_ONLY, policies.FULL_ACCESS]}
    people.attach(admin, policies.ADMINISTRATOR, user=bob)  # somebody else, meanwhile
    assert browser.post("/users/bob/policies/", sent).status_code == 302
    assert people.attached_to(people.user(admin, bob)) == [
        policies.ADMINISTRATOR,
        policies.FULL_ACCESS,
        policies.READ_ONLY,
    ]


def test_the_last_administrator_keeps_the_policy_and_nothing_of_the_change_is_made(
    browser: Browser, admin: Identity
) -> None:
    sent = {"had": [policies.ADMINISTRATOR], "ticked": [policies.READ_ONLY]}
    answer = browser.post("/users/alice/policies/", sent)
    assert answer.status_code == 422 and "without an administrator" in answer.content.decode()
    assert people.attached_to(people.user(admin, "alice")) == [policies.ADMINISTRATOR]
    for url, fields in (("change", {"do": "disable"}), ("delete", {"word": "alice"})):
        assert browser.post(f"/users/alice/{url}/", fields).status_code == 422
    assert scenes.user().is_active


def test_deleting_a_user_names_what_goes_and_asks_for_the_name(browser: Browser, admin: Identity, bob: str) -> None:
    user = people.user(admin, bob)
    accesskeys.create(user)
    token, session = tokens.issue(user).token, signed_in("acme", bob)
    assert "1 access key: programs that have it sign in no more 1 token" in text_of(browser, "/users/bob/delete/")
    assert browser.post("/users/bob/delete/", {"word": "bo"}).status_code == 422
    browser.post("/users/bob/delete/", {"word": "bob"})
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(token)
    assert session.get("/").status_code == 302 and browser.get("/users/bob/").status_code == 404


def test_another_password_ends_what_was_signed_in(browser: Browser, admin: Identity, bob: str) -> None:
    session, token = signed_in("acme", bob), tokens.issue(people.user(admin, bob)).token
    assert browser.post("/users/bob/password/", {"password": "x"}).status_code == 422
    assert browser.post("/users/bob/password/", {"password": "another one"}).status_code == 302
    assert logins.check("acme", bob, "another one") and session.get("/").status_code == 302
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(token)


def test_members_join_all_or_none(browser: Browser, admin: Identity, bob: str) -> None:
    people.create_user(admin, "eve", password=PASSWORD)
    answer = browser.post("/groups/devs/members/add/", {"users": "eve, nobody"})
    assert answer.status_code == 422 and "There is no user nobody." in answer.content.decode()
    assert "eve, nobody" in answer.content.decode() and "eve" not in text_of(browser, "/groups/devs/")
    browser.post("/groups/devs/members/add/", {"users": "eve"})
    unsure = browser.post("/groups/devs/members/remove/", {"user": "bob", "word": "devs"})
    assert unsure.status_code == 422 and "Type bob, exactly so." in unsure.content.decode()
    assert people.group(admin, "devs").members.count() == 2
    browser.post("/groups/devs/members/remove/", {"user": "bob", "word": "bob"})
    assert [member.name for member in people.group(admin, "devs").members.all()] == ["eve"]


def test_deleting_a_group_says_who_loses_what(browser: Browser, admin: Identity, bob: str) -> None:
    assert f"1 member loses what they have by it: bob {policies.READ_ONLY}" in text_of(browser, "/groups/devs/delete/")
    browser.post("/groups/devs/delete/", {"word": "devs"})
    assert browser.get("/groups/devs/").status_code == 404
    assert identity_of(people.user(admin, bob)).actions == ()


def test_who_may_read_looks_and_who_may_not_is_told_what_is_missing(browser: Browser, admin: Identity) -> None:
    looks = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["IAM:*:get", "IAM:*:list"]}]}
    people.create_policy(admin, "looks", document=looks)
    people.create_user(admin, "eve", password=PASSWORD, policies=["looks"])
    people.create_user(admin, "dan", password=PASSWORD, policies=[policies.FULL_ACCESS])
    eve, dan = signed_in("acme", "eve"), signed_in("acme", "dan")
    assert "you may look" in text_of(eve, "/users/") and "Reset password" not in text_of(eve, "/users/dan/")
    for url in ("/create/user/", "/users/dan/delete/", "/users/dan/password/", "/groups/", "/users/dan/"):
        missing = "require iam:group:list" if url == "/groups/" else "require iam:user:"
        refused = dan.get(url)
        assert refused.status_code == 403 and missing in refused.content.decode(), url
    assert eve.post("/users/dan/delete/", {"word": "dan"}).status_code == 403
    assert "dan iam:user:delete" in text_of(browser, "/audit/?outcome=denied")


def test_everybody_changes_their_own_password(browser: Browser, admin: Identity, bob: str) -> None:
    here, elsewhere = signed_in("acme", bob), signed_in("acme", bob)
    asked = {"current": PASSWORD, "password": "another one", "again": "another one"}
    for wrong, field in (("current", "current"), ("again", "again")):
        assert f'id="id_{field}_error"' in here.post("/password/", {**asked, wrong: "no such"}).content.decode()
    assert here.post("/password/", asked).status_code == 302
    assert here.get("/help/").status_code == 200 and elsewhere.get("/help/").status_code == 302
    assert logins.check("acme", bob, "another one").name == bob


def test_guesses_of_a_password_wait_here_too(admin: Identity, bob: str) -> None:
    guesser = signed_in("acme", bob)
    asked = {"current": "wrong", "password": "another one", "again": "another one"}
    answers = [guesser.post("/password/", asked).content.decode() for _try in range(logins.FREE_TRIES + 1)]
    assert "This is not your password" in answers[0] and "Too many wrong passwords" in answers[-1]
