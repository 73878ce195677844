"""The audit trail over REST, and that both doors of the console write down what they deny."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from iam import audit, people
from iam.audit import Target
from iam.identities import Identity, identity_of
from iam.models import AuditEntry
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.test_rest import assert_status
from workloads.verbs import trail

pytestmark = pytest.mark.django_db
AUDIT = "/api/v1/audit"


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    trail.forget_denials()


@pytest.fixture
def told(browser: Browser) -> None:
    """Of alice's account three pods, of charlie's one."""
    alice = identity_of(scenes.user())
    for name in ("one", "two", "three"):
        audit.record(alice, "cci:pod:delete", Target("Pod", name, "shop"))
    audit.record(Identity("other", "charlie"), "cci:pod:delete", Target("Pod", "theirs", "far"))


@pytest.fixture
def bob(browser: Browser) -> Browser:
    """Signed in; may nothing."""
    people.create_user(identity_of(scenes.user()), "bob", password="long enough")
    return signed_in("acme", "bob")


def names(browser: Browser, query: str) -> list[str]:
    return [entry["name"] for entry in browser.get(f"{AUDIT}?q=cci:pod:delete&{query}").json()["items"]]


def test_the_newest_come_first_page_by_page(told: None, browser: Browser) -> None:
    first = browser.get(f"{AUDIT}?q=cci:pod:delete&limit=2").json()
    assert [entry["name"] for entry in first["items"]] == ["three", "two"]
    assert first["items"][0]["previous"] == first["items"][1]["digest"]
    second = browser.get(f"{AUDIT}?q=cci:pod:delete&limit=2&before={first['next']}").json()
    assert ([entry["name"] for entry in second["items"]], second["next"]) == (["one"], None)


def test_filters_are_those_of_the_page(told: None, browser: Browser) -> None:
    assert names(browser, "user=alice&outcome=done") == ["three", "two", "one"]
    assert names(browser, "outcome=denied") == names(browser, "user=bob") == names(browser, "until=2001-02-03") == []
    assert len(names(browser, "since=2001-02-03")) == 3


@pytest.mark.parametrize("query", ["outcome=maybe", "since=yesterday", "before=x", "limit=0", "limit=501"])
def test_what_cannot_be_asked_names_the_field(browser: Browser, query: str) -> None:
    answer = browser.get(f"{AUDIT}?{query}")
    assert_status(answer, 400, "BadRequest")
    assert query.partition("=")[0] in answer.json()["message"]


@pytest.mark.parametrize("path", [AUDIT, "/api/v1/cost", "/api/v1/users"])
def test_what_rest_denies_is_in_the_trail(bob: Browser, path: str) -> None:
    assert_status(bob.get(path), 403, "Forbidden")
    (entry,) = AuditEntry.objects.filter(user="bob", outcome="denied")
    assert (entry.door, entry.account) == ("rest", "acme")


def test_a_denied_change_of_people_is_told_once(bob: Browser) -> None:
    assert_status(bob.delete("/api/v1/users/alice"), 403, "Forbidden")
    assert [entry.door for entry in AuditEntry.objects.filter(user="bob", outcome="denied")] == ["rest"]


def test_what_the_console_denies_is_in_the_trail(bob: Browser) -> None:
    assert bob.get("/audit/").status_code == 403
    assert [entry.door for entry in AuditEntry.objects.filter(user="bob", outcome="denied")] == ["console"]
