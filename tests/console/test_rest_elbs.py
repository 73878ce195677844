"""ELBs by the product's own REST API: the same objects as kubectl's, with who is ready behind each listener."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.console import scenes
from tests.console.test_rest import assert_status

ELBS = "/api/v1/elbs"


def test_the_list_says_what_there_is_and_how_many_there_may_be(shop: None, browser: Browser) -> None:
    body = browser.get(ELBS).json()
    (web,) = body["items"]
    assert body["quota"] == {"used": 1, "limit": 10}
    assert (web["name"], web["state"], web["listeners"]) == ("web", "Active", [{"port": 80, "protocol": "HTTP"}])
    assert web["workloads"] == [{"kind": "Ingress", "namespace": "shop", "name": "web"}]
    assert web["id"] == scenes.person().get("ELB", "web")["metadata"]["uid"]


def test_one_tells_where_requests_go_and_who_is_ready(shop: None, browser: Browser) -> None:
    scenes.endpoints("web", ready=("a",), unready=("b",))
    (listener,) = browser.get(f"{ELBS}/web").json()["listeners"]
    assert listener["rules"] == [
        {
            "requests": "shop.example.com/",
            "exact": False,
            "service": {"namespace": "shop", "name": "web", "port": "80"},
            "by": {"kind": "Ingress", "namespace": "shop", "name": "web"},
            "backends": {"ready": 1, "total": 2},
        }
    ]


def test_it_is_made_and_deleted(shop: None, browser: Browser) -> None:
    made = browser.post(ELBS, {"name": "api", "description": "For robots."}, content_type="application/json")
    assert made.status_code == 201 and made.json()["description"] == "For robots."
    assert scenes.person().get("ELB", "api")["spec"]["address"] == made.json()["address"]
    assert browser.delete(f"{ELBS}/api").status_code == 204
    assert_status(browser.get(f"{ELBS}/api"), 404, "NotFound")


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        ({}, 400, "BadRequest"),
        ({"name": "No"}, 422, "Invalid"),
        ({"name": "web"}, 409, "AlreadyExists"),
        ({"name": "far", "address": "10.0.0.1"}, 422, "Invalid"),
    ],
)
def test_what_is_wrong_is_a_status(shop: None, browser: Browser, body: dict[str, str], code: int, reason: str) -> None:
    assert_status(browser.post(ELBS, body, content_type="application/json"), code, reason)


def test_one_that_serves_stays(shop: None, browser: Browser) -> None:
    assert_status(browser.delete(f"{ELBS}/web"), 409, "Conflict")
