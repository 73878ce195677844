"""Lists of the REST API, page by page."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from django.test import Client as Browser

from console.rest import paging
from iam import people
from iam.identities import identity_of
from tests import manifests
from tests.console import scenes
from tests.console.test_rest import assert_status
from workloads.meta.errors import BadRequest


def names(browser: Browser, path: str, limit: int) -> list[list[str]]:
    """The pages of a list, by their entries' names."""
    pages, token = [], ""
    while True:
        body = browser.get(f"/api/v1/{path}", {"limit": limit, "continue": token}).json()
        pages.append([one["name"] for one in body["items"]])
        token = body["continue"]
        if token is None:
            return pages


@pytest.fixture
def many(browser: Browser) -> None:
    admin = identity_of(scenes.user())
    for name in ("ann", "bea", "cid"):
        people.create_group(admin, name)
        people.create_user(admin, name, password="long enough")
        people.create_policy(admin, name, document={"Version": "1.1", "Statement": [ALLOW]})
        scenes.person().create("ELB", manifests.elb(name))


ALLOW = {"Effect": "Allow", "Action": ["CCI:pod:get"]}
SYSTEM = ["CCI Administrator", "CCI FullAccess", "CCI CommonOperations", "CCI ReadOnlyAccess"]


def test_every_list_is_told_in_pages_that_add_up(many: None, browser: Browser) -> None:
    assert names(browser, "groups", 2) == [["ann", "bea"], ["cid"]]
    assert names(browser, "users", 2) == [["alice", "ann"], ["bea", "cid"]]
    assert names(browser, "policies", 3) == [SYSTEM[:3], [SYSTEM[3], "ann", "bea"], ["cid"]]
    assert names(browser, "elbs", 3) == [["ann", "bea", "cid"]]


def test_what_goes_between_two_pages_hides_nothing(many: None, browser: Browser) -> None:
    token = browser.get("/api/v1/groups?limit=2").json()["continue"]
    people.delete_group(identity_of(scenes.user()), "ann")
    assert [one["name"] for one in browser.get(f"/api/v1/groups?continue={token}").json()["items"]] == ["cid"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "continue=x", "continue=%00", "continue=W10"])
def test_what_is_no_page_names_its_field(browser: Browser, query: str) -> None:
    answer = browser.get(f"/api/v1/groups?{query}")
    assert_status(answer, 400, "BadRequest")
    assert answer.json()["details"]["causes"][0]["field"] == query.partition("=")[0]


def test_a_token_of_another_list_is_none(many: None, browser: Browser) -> None:
    token = browser.get("/api/v1/groups?limit=2").json()["continue"]
    assert_status(browser.get(f"/api/v1/users?continue={token}"), 400, "BadRequest")


@pytest.mark.parametrize(
    "forged", [b'["x"]', b'["x",1,2]', b'["x","1"]', b'["x",true]', b'["x",1e3]', b'{"x":1}', b"\xff"]
)
def test_a_forged_token_is_refused(forged: bytes) -> None:
    asked = {"limit": 1, "continue": urlsafe_b64encode(forged).decode()}
    with pytest.raises(BadRequest):
        paging.after("x", asked, int)


def test_an_empty_list_has_no_next_page() -> None:
    asked = {"limit": 1, "continue": ""}
    assert paging.page("x", asked, [], key=lambda one: (one,), body=dict) == {"items": [], "continue": None}
