"""Prices and the calculator over REST: read by everybody, written by who runs the installation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client as Browser

from billing.models import Price
from tests.console.conftest import signed_in
from tests.console.test_rest import assert_status

PRICES, CALCULATOR = "/api/v1/prices", "/api/v1/calculator"
SOON = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
DRAFT = {"item": "vcpu", "amount": "0.0001", "effectiveFrom": SOON.isoformat()}
HEAD = "region,item,flavor,currency,amount,effective_from\n"
LINE = f"cn-north-4,vcpu,,CNY,0.0001,{SOON.isoformat()}\n"


@pytest.fixture
def operator(db: None) -> Browser:
    """Signed in as an administrator of the account that runs the installation."""
    return signed_in("demo", "olga")


def send(browser: Browser, path: str, body: Any = None, method: str = "POST", media: str = "application/json") -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return browser.generic(method, path, content, media)


def test_everybody_reads_the_list_with_its_history(operator: Browser, browser: Browser) -> None:
    made = send(operator, PRICES, DRAFT)
    assert (made.status_code, made.json()["state"]) == (201, "coming")
    body = browser.get(PRICES).json()
    assert [(one["item"], one["amount"], one["state"]) for one in body["items"]] == [
        ("vcpu", "0.000049", "in force"),
        ("vcpu", "0.0001", "coming"),
        ("memory", "0.00002", "in force"),
    ]
    assert (body["regions"], body["continue"]) == (["cn-north-4"], None)
    assert body["items"][0]["until"] == body["items"][1]["effectiveFrom"]


def test_filters_and_pages(operator: Browser, browser: Browser) -> None:
    send(operator, PRICES, DRAFT)
    later = browser.get(PRICES, {"at": (SOON + timedelta(days=1)).isoformat(), "item": "vcpu"}).json()["items"]
    assert [one["amount"] for one in later] == ["0.0001"]
    first = browser.get(f"{PRICES}?limit=2").json()
    rest = browser.get(f"{PRICES}?limit=2&continue={first['continue']}").json()
    assert [one["item"] for one in (*first["items"], *rest["items"])] == ["vcpu", "vcpu", "memory"]
    assert browser.get(f"{PRICES}?region=nowhere").json()["items"] == []
    assert browser.get(f"{PRICES}?flavor=gpu-accelerated").json()["items"] == []


def test_a_price_that_was_sent_twice_is_there_once(operator: Browser) -> None:
    headers = {"idempotency-key": "price-1"}
    answers = [operator.post(PRICES, DRAFT, content_type="application/json", headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert_status(send(operator, PRICES, DRAFT), 422, "Invalid")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"item": "cpu"}, 422, "item"),
        ({"effectiveFrom": "2026-01-01T00:00:00Z"}, 422, "effectiveFrom"),
        ({"currency": "USD"}, 422, "currency"),
        ({"amount": "0.00000000001"}, 422, "amount"),
        ({"amount": "1e-5"}, 400, "amount"),
        ({"amount": None}, 400, "amount"),
        ({"prise": 1}, 400, "prise"),
    ],
)
def test_what_is_wrong_names_its_field(operator: Browser, change: dict[str, Any], code: int, field: str) -> None:
    for path in (PRICES, f"{PRICES}/preview"):
        answer = send(operator, path, {**DRAFT, **change})
        assert (answer.status_code, answer.json()["details"]["causes"][0]["field"]) == (code, field)


def test_only_who_runs_the_installation_writes(browser: Browser) -> None:
    for answer in (
        send(browser, PRICES, DRAFT),
        send(browser, f"{PRICES}/preview", DRAFT),
        send(browser, f"{PRICES}/1", method="DELETE"),
        send(browser, f"{PRICES}/csv", HEAD + LINE, media="text/csv"),
    ):
        assert_status(answer, 403, "Forbidden")
        assert "runs this installation" in answer.json()["message"]
    assert Price.objects.count() == 2


def test_what_has_not_begun_can_be_withdrawn(operator: Browser) -> None:
    made = send(operator, PRICES, DRAFT).json()
    assert send(operator, f"{PRICES}/{made['id']}", method="DELETE").status_code == 204
    assert_status(send(operator, f"{PRICES}/{made['id']}", method="DELETE"), 404, "NotFound")
    assert_status(send(operator, f"{PRICES}/{Price.objects.get(item='vcpu').pk}", method="DELETE"), 409, "Conflict")
    assert_status(send(operator, f"{PRICES}/{10**30}", method="DELETE"), 404, "NotFound")


def test_a_preview_changes_nothing(operator: Browser) -> None:
    effect = send(operator, f"{PRICES}/preview", DRAFT).json()
    assert (effect["pods"], effect["before"]["perHour"], effect["accounts"]) == (0, "0", [])
    first = effect["specifications"][0]
    assert first["specification"] == "0.25 cores, 1 GiB"
    assert Decimal(first["after"]["perSecond"]) - Decimal(first["before"]["perSecond"]) == Decimal("0.00001275")
    assert Price.objects.count() == 2


def test_csv_goes_out_and_comes_in_again_without_a_change(operator: Browser) -> None:
    exported = operator.get(f"{PRICES}/csv")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert "prices.csv" in exported.headers["Content-Disposition"]
    back = send(operator, f"{PRICES}/csv", exported.content.decode(), media="text/csv")
    assert back.json() == {"added": 0, "replaced": 0, "unchanged": 2, "effects": []}
    seen = send(operator, f"{PRICES}/csv?preview=true", HEAD + LINE, media="text/csv").json()
    assert (seen["added"], seen["effects"][0]["region"], Price.objects.count()) == (1, "cn-north-4", 2)
    assert send(operator, f"{PRICES}/csv", HEAD + LINE, media="text/csv").json()["added"] == 1
    assert Price.objects.count() == 3


def test_who_asks_for_csv_is_refused_with_a_status(browser: Browser, client: Browser) -> None:
    for path in (f"{PRICES}/csv", f"{PRICES}/csv?format=csv"):
        assert_status(client.get(path, headers={"accept": "text/csv"}), 401, "Unauthorized")
    assert browser.get(f"{PRICES}/csv", headers={"accept": "text/csv"}).content.startswith(HEAD.encode())
    long = browser.get(f"{PRICES}/csv?region={'x' * 65}", headers={"accept": "text/csv"})
    assert_status(long, 400, "BadRequest")


def test_an_import_that_is_wrong_names_its_lines_and_takes_nothing(operator: Browser) -> None:
    text = HEAD + LINE + LINE.replace("vcpu", "cpu") + LINE.replace("0.0001", "x")
    for path in (f"{PRICES}/csv", f"{PRICES}/csv?preview=true"):
        answer = send(operator, path, text, media="text/csv")
        assert_status(answer, 422, "Invalid")
        assert [one["field"] for one in answer.json()["details"]["causes"]] == ["line 3.item", "line 4.amount"]
    assert Price.objects.count() == 2
    assert_status(send(operator, f"{PRICES}/csv", {"csv": text}), 400, "BadRequest")
    assert_status(operator.generic("POST", f"{PRICES}/csv", b"\xff", "text/csv"), 400, "BadRequest")


def test_the_calculator_says_what_the_bill_will_say(browser: Browser) -> None:
    body = browser.get(f"{CALCULATOR}?cpu=2&memory=4&pods=3&duration=2&unit=hours").json()
    assert (body["specification"], body["seconds"], body["total"]) == ("2 cores, 4 GiB", 7200, "3.8448")
    assert body["price"]["perSecond"] == "0.000534"
    assert Decimal(body["price"]["perDay"]) == Decimal("0.000534") * 86_400


def test_the_calculator_offers_what_is_nearest_with_its_price(browser: Browser) -> None:
    answer = browser.get(f"{CALCULATOR}?cpu=3&memory=4")
    assert_status(answer, 422, "Invalid")
    assert "3 cores, 6 GiB (0.000267 CNY/s) or 2 cores, 4 GiB (0.000178 CNY/s)" in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cpu=2&memory=4&unit=years", "unit"),
        ("cpu=2&memory=4&duration=11&unit=years", "unit"),
        ("cpu=2&memory=4&duration=122&unit=months", "duration"),
        ("cpu=2&memory=4&duration=-1", "duration"),
        ("cpu=2&memory=4&starts=9999-01-01T00:00:00Z", "starts"),
        ("memory=4", "cpu"),
    ],
)
def test_a_question_out_of_bounds_names_its_field(browser: Browser, query: str, field: str) -> None:
    answer = browser.get(f"{CALCULATOR}?{query}")
    assert_status(answer, 400, "BadRequest")
    assert answer.json()["details"]["causes"][0]["field"] == field


def test_cards_and_other_regions_are_calculated_where_they_have_a_price(operator: Browser) -> None:
    card, begins = "nvidia.com/gpu-tesla-t4", "2020-01-01T00:00:00Z"
    priced = {"vcpu": "0.0001", "memory": "0.00001", card: "0.002"}
    lines = [f"eu-1,{item},,EUR,{amount},{begins}\n" for item, amount in priced.items()]
    send(operator, f"{PRICES}/csv", HEAD + "".join(lines), media="text/csv")
    query = {"region": "eu-1", "cpu": "8", "memory": "32", "gpu": card, "duration": "1", "unit": "seconds"}
    assert operator.get(CALCULATOR, query).json()["total"] == "0.00312"
    assert_status(operator.get(CALCULATOR, {**query, "region": "cn-north-4"}), 400, "BadRequest")
