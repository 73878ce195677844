"""Bills and usage over REST: filters, pages, periods, and the proof."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.console import scenes
from tests.console.test_bills import who_may
from tests.console.test_rest import assert_status

pytestmark = pytest.mark.django_db

BILLS, USAGE = "/api/v1/bills", "/api/v1/usage?since=2026-01-01&until=2026-01-31"


@pytest.fixture(autouse=True)
def lines(browser: Browser) -> None:
    scenes.bill()
    scenes.bill(namespace="batch", name="train", uid="another")


def items(browser: Browser, path: str) -> list[Any]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["items"])


def test_months_are_told_with_their_state(browser: Browser) -> None:
    present, january = items(browser, BILLS)
    assert (january["month"], january["state"], january["billed"]) == ("2026-01", "open", "0.0036")
    assert (present["state"], present["billed"]) == ("open", "0")


def test_a_statement_has_sums_and_lines(browser: Browser) -> None:
    told = browser.get(f"{BILLS}/2026-01").json()
    assert (told["billed"], told["listed"], told["seconds"], told["hidden"]) == ("0.0036", "0.00356", 20, 0)
    first = told["items"][0]
    assert (first["namespace"], first["workload"]["name"], first["billed"]) == ("batch", "train", "0.0018")
    assert (first["perSecond"], first["labels"], first["corrects"]) == ("0.000178", {"team": "train"}, None)


@pytest.mark.parametrize("query", ["namespace=shop", "workload=web", "label=team=web"])
def test_lines_and_usage_are_chosen_by_filters(browser: Browser, query: str) -> None:
    assert [one["workload"]["name"] for one in items(browser, f"{BILLS}/2026-01?{query}")] == ["web"]
    assert [one["workload"]["name"] for one in items(browser, f"{USAGE}&{query}")] == ["web"]


def test_pages_follow_one_another(browser: Browser) -> None:
    for path in (f"{BILLS}/2026-01?limit=1", f"{USAGE}&limit=1", f"{BILLS}/2026-01/focus?limit=1"):
        first = browser.get(path).json()
        second = browser.get(f"{path}&continue={first['continue']}").json()
        assert (len(first["items"]), len(second["items"]), second["continue"]) == (1, 1, None)
        assert first["items"] != second["items"]


def test_the_csv_is_the_consoles(browser: Browser) -> None:
    answer = browser.get(f"{BILLS}/2026-01/focus.csv")
    assert answer.content == browser.get("/bills/2026-01/focus.csv").content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


def test_usage_is_by_day(browser: Browser) -> None:
    assert {(one["day"], one["seconds"]) for one in items(browser, USAGE)} == {("2026-01-05", 10)}
    assert items(browser, "/api/v1/usage?since=2026-01-06&until=2026-01-31") == []


def test_the_proof_says_what_it_looked_at(browser: Browser) -> None:
    told = browser.get(f"{BILLS}/2026-01/proof").json()
    assert told == {
        "proven": True,
        "pods": 2,
        "segments": 2,
        "seconds": 20,
        "listed": "0.00356",
        "differences": [],
    }


@pytest.mark.parametrize(
    "path", [f"{BILLS}?limit=0", f"{BILLS}/2026-01?label=team", f"{USAGE}&continue=x", "/api/v1/usage?since=yesterday"]
)
def test_what_cannot_be_asked_names_the_field(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert_status(answer, 400, "BadRequest")
    assert path.rpartition("?")[2].rpartition("&")[2].partition("=")[0] in answer.json()["message"]


def test_a_period_that_is_none_is_not_found(browser: Browser) -> None:
    assert_status(browser.get(f"{BILLS}/2026"), 404, "NotFound")


def test_another_account_has_bills_of_its_own(strangers_browser: Browser) -> None:
    assert items(strangers_browser, f"{BILLS}/2026-01") == items(strangers_browser, USAGE) == []


def test_rights_are_those_of_the_page(browser: Browser) -> None:
    bob = who_may(["CCI:bill:list", "CCI:pod:list"], "batch")
    scenes.namespace("batch")
    assert [one["namespace"] for one in items(bob, f"{BILLS}/2026-01")] == ["batch"]
    assert [one["namespace"] for one in items(bob, USAGE)] == ["batch"]
    assert bob.get(f"{BILLS}/2026-01").json()["hidden"] == 1
    assert_status(bob.get(f"{BILLS}/2026-01/proof"), 403, "Forbidden")
