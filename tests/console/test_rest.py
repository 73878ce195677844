"""The product's own REST API: who may ask, what it answers, failures that are a Status, money that is the bill's."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client as Browser

from billing import client as billing
from billing import meter
from iam import tokens
from tests.console import scenes
from tests.console.conftest import signed_in

PRICE = "/api/v1/price?cpu=0.5&memory=1&pods=2"
COST = "/api/v1/cost"
POD = "/api/v1/namespaces/shop/pods/one/cost"


def assert_status(response: Any, code: int, reason: str) -> None:
    body = response.json()
    assert response.status_code == code
    assert (body["kind"], body["status"], body["code"], body["reason"]) == ("Status", "Failure", code, reason)
    assert body["message"]


@pytest.fixture
def bearer(db: None) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.issue(scenes.user()).token}"}


@pytest.fixture
def running_pod(db: None) -> str:
    """A pod `one` that has run for a while; its uid."""
    scenes.namespace("shop")
    pod = scenes.pod("one", status=scenes.running(100))
    while meter.read_once():
        pass
    uid: str = pod["metadata"]["uid"]
    return uid


@pytest.mark.parametrize("url", [PRICE, COST, POD, "/api/v1/", "/api/v1/nothing"])
def test_nobody_is_401_with_a_status(db: None, client: Browser, url: str) -> None:
    response = client.get(url)
    assert_status(response, 401, "Unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer \u00e9", "bearer cci." + "x" * 5000])
def test_a_token_that_is_nobodys_is_401(db: None, client: Browser, header: str) -> None:
    assert_status(client.get(PRICE, headers={"authorization": header}), 401, "Unauthorized")


def test_a_session_and_a_bearer_are_the_same_person(running_pod: str, client: Browser, bearer: dict[str, str]) -> None:
    by_session = signed_in("acme", "alice").get(POD).json()
    by_token = client.get(POD, headers=bearer).json()
    assert by_session["rate"] == by_token["rate"]


def test_charlie_sees_nothing(running_pod: str, strangers_browser: Browser) -> None:
    assert_status(strangers_browser.get(POD), 404, "NotFound")
    assert_status(strangers_browser.get(f"{COST}?namespace=shop"), 404, "NotFound")
    total = strangers_browser.get(COST).json()
    assert (total["accrued"], total["pods"]) == ("0", {})


def test_a_token_of_charlies_sees_nothing(running_pod: str, client: Browser) -> None:
    token = tokens.issue(scenes.user("other", "charlie")).token
    assert_status(client.get(POD, headers={"authorization": f"Bearer {token}"}), 404, "NotFound")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_writing_is_405(bearer: dict[str, str], client: Browser, method: str) -> None:
    assert_status(getattr(client, method)(PRICE, headers=bearer), 405, "MethodNotAllowed")


def test_an_address_that_is_not_served_is_404(bearer: dict[str, str], client: Browser) -> None:
    assert_status(client.get("/api/v1/nothing", headers=bearer), 404, "NotFound")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("memory=1", "cpu"),
        ("cpu=x&memory=1", "cpu"),
        ("cpu=1&memory=2&pods=-1", "pods"),
        ("cpu=1&memory=NaN", "memory"),
    ],
)
def test_a_question_that_cannot_be_read_names_its_field(browser: Browser, query: str, field: str) -> None:
    response = browser.get(f"/api/v1/price?{query}")
    assert_status(response, 400, "BadRequest")
    assert field in [cause["field"] for cause in response.json()["details"]["causes"]]


@pytest.mark.parametrize(
    "query", ["cpu=0.3&memory=1", "cpu=3&memory=4", "cpu=1&memory=2.5", "cpu=1&memory=2&flavor=none"]
)
def test_no_price_is_told_of_what_cannot_be_had(browser: Browser, query: str) -> None:
    assert_status(browser.get(f"/api/v1/price?{query}"), 422, "Invalid")


def test_a_refused_size_names_the_nearest(browser: Browser) -> None:
    assert "3 cores, 6 GiB or 2 cores, 4 GiB" in browser.get("/api/v1/price?cpu=3&memory=4").json()["message"]


def test_a_pod_that_has_not_cost_anything_is_404_with_the_reason(browser: Browser) -> None:
    scenes.namespace("shop")
    scenes.pod("one")
    response = browser.get(POD)
    assert_status(response, 404, "NotFound")
    assert "billing begins" in response.json()["message"]


def test_page_rest_and_ledger_say_the_same_price(running_pod: str, browser: Browser) -> None:
    """Of the pod that runs (0.25 cores, 1 GiB): before the button, by REST, and as the ledger bills it."""
    asked = browser.get("/api/v1/price?cpu=0.25&memory=1").json()
    fields = {"name": "web", "namespace": "shop", "replicas": "1", "size": "0.25_1.0", "go": "look"}
    page = browser.post("/create/deployment/", fields).content.decode()
    shown = re.search(r'<span class="money price">([^<]+)</span>', page)
    segment = billing.segments("acme", running_pod)[-1]  # a full hour may have begun meanwhile
    metered = browser.get(POD).json()

    assert shown
    assert Decimal(asked["perSecond"]) == segment.rate.per_second == Decimal(metered["rate"]["perSecond"])
    assert shown[1] == billing.format_money(segment.rate.per_hour, segment.rate.currency)
    assert Decimal(asked["perDay"]) == segment.rate.per_second * 86_400


def test_a_pods_cost_is_the_sum_of_its_segments(running_pod: str, browser: Browser) -> None:
    body = browser.get(POD).json()
    seconds = sum(segment["seconds"] for segment in body["segments"])
    assert body["running"]
    assert abs(body["seconds"] - seconds) <= 1
    assert abs(Decimal(body["accrued"]) - seconds * Decimal(body["rate"]["perSecond"])) <= Decimal("0.0001")


def test_money_is_text_without_an_exponent(running_pod: str, browser: Browser) -> None:
    rate = browser.get(COST).json()["rate"]
    for amount in (rate["perSecond"], rate["perHour"], rate["perMonth"]):
        assert re.fullmatch(r"\d+(\.\d+)?", amount)


def test_pod_specifications_are_told_with_their_price_and_are_not_for_accounts_to_write(browser: Browser) -> None:
    told = browser.get("/api/v1/pod-specifications?flavor=general-computing").json()
    assert told["containers"] == {"step": "0.25", "memory": "0.2Gi", "count": "5"}
    assert told["rows"][0] | {"cpu": "0.25-32", "memory": "1-512", "ratio": "2-8"} == told["rows"][0]
    assert told["offers"][0]["words"] == "0.25 cores, 1 GiB"
    assert told["offers"][0]["price"]["perSecond"] == "0.00003225"

    assert_status(browser.post("/api/v1/pod-specifications"), 405, "MethodNotAllowed")


def test_cards_without_a_price_say_what_the_operator_has_to_do(browser: Browser) -> None:
    response = browser.get("/api/v1/price?cpu=8&memory=32&gpu=nvidia.com/gpu-tesla-t4")
    assert_status(response, 400, "BadRequest")
    assert "no price for nvidia.com/gpu-tesla-t4" in response.json()["message"]


def test_an_account_reads_and_switches_what_it_hears_of_prices(db: None) -> None:
    browser = signed_in("acme", "alice")
    assert browser.get("/api/v1/settings").json() == {"priceWarnings": True}
    answer = browser.patch("/api/v1/settings", {"priceWarnings": False}, content_type="application/json")
    assert answer.json() == browser.get("/api/v1/settings").json() == {"priceWarnings": False}
    assert signed_in("other", "charlie").get("/api/v1/settings").json() == {"priceWarnings": True}
    assert_status(browser.patch("/api/v1/settings", {}, content_type="application/json"), 400, "BadRequest")
