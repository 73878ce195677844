"""The pages of bills: from the month down to the containers, on paper and as files, for those who may see it."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser

from billing import client as billing
from billing import focus, proofs
from billing.client import Period, Point
from console import charts
from console.views import bills
from iam import people
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in

pytestmark = pytest.mark.django_db

MONTH = "/bills/2026-01/"


def text_of(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def bill(browser: Browser) -> billing.BillLine:
    return scenes.bill()


def test_the_overview_says_what_the_month_is_and_which_months_there_were(shop: None, browser: Browser) -> None:
    page = text_of(browser, "/bills/")
    assert all(words in page for words in ("Month", "so far", "Forecast for the month", "January 2026", "As a table"))
    assert f'href="{MONTH}"' in page


@pytest.mark.parametrize("query", ["chart=24h", "chart=12m", "by=workload", "by=label&label=team", "by=project"])
def test_every_view_of_the_overview_is_a_page(bill: Any, browser: Browser, query: str) -> None:
    assert "Where it went" in text_of(browser, f"/bills/?{query}")


def test_a_statement_opens_into_lines_pods_segments_and_what_proves_them(bill: Any, browser: Browser) -> None:
    statement = text_of(browser, MONTH)
    assert "¥0.0018" in statement and "team=web" in statement
    line = text_of(browser, f"{MONTH}lines/{bill.id}/")
    assert "web-pod" in line and "0.00178" in line
    pod = text_of(browser, f"/bills/pods/{scenes.GONE}/")
    assert "Deployment web" in pod and "2026-01-05 10:00:10" in pod


def test_what_is_too_much_to_recompute_at_once_names_the_days_and_the_command(
    bill: Any, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "MOST", 0)
    page = text_of(browser, f"{MONTH}proof/")
    assert 'href="/bills/2026-01-05/proof/"' in page and "--account acme --period 2026-01" in page
    told = browser.get("/api/v1/bills/2026-01/proof")
    assert told.status_code == 400 and "one of its days" in told.json()["message"]


def test_a_day_is_a_statement_too(bill: Any, browser: Browser) -> None:
    assert "¥0.0018" in text_of(browser, "/bills/2026-01-05/")
    assert "No line." in text_of(browser, "/bills/2026-01-06/")


def test_lines_are_found_by_namespace_workload_and_label(bill: Any, browser: Browser) -> None:
    scenes.bill(namespace="batch", name="train", uid="another")
    assert "train" not in text_of(browser, f"{MONTH}?namespace=shop")
    assert f"line-{bill.id}" not in text_of(browser, f"{MONTH}?q=TRAI")
    found = text_of(browser, f"{MONTH}?label=team%3Dtrain")
    assert "These lines" in found and f"line-{bill.id}" not in found


@pytest.mark.parametrize("path", ["2026-13/", "2026-01/lines/6f1f0a0e-0000-4000-8000-00000000dead/", "pods/nobody/"])
def test_what_is_not_there_is_not_found(bill: Any, browser: Browser, path: str) -> None:
    assert browser.get(f"/bills/{path}").status_code == 404


def test_recomputing_shows_no_difference_or_each(bill: Any, browser: Browser) -> None:
    with connection.cursor() as somebody:
        somebody.execute("UPDATE billing_daytotal SET seconds = 11")
    assert "the ledger has 10 s in 1" in text_of(browser, f"{MONTH}proof/")
    with connection.cursor() as somebody:
        somebody.execute("UPDATE billing_daytotal SET seconds = 10")
    assert "0 differences." in text_of(browser, f"{MONTH}proof/")


def test_the_csv_has_the_columns_of_focus_and_sums_up_to_the_bill(bill: Any, browser: Browser) -> None:
    answer = browser.get(f"{MONTH}focus.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert tuple(rows[0]) == focus.COLUMNS == tuple(focus.row(*_told(bill)))
    assert 'filename="cci-acme-2026-01-focus.csv"' in answer["Content-Disposition"]
    told = billing.bill("acme", Period.parse("2026-01"))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == told.billed
    (row,) = rows
    assert (row["ConsumedQuantity"], row["ConsumedUnit"], row["SkuId"]) == ("10", "Seconds", "general-computing/2_4")
    assert (row["SubAccountId"], row["Tags"], row["ChargeClass"]) == ("shop", '{"team":"web"}', "")


def test_the_json_is_the_same(bill: Any, browser: Browser) -> None:
    (row,) = browser.get(f"{MONTH}focus.json").json()
    assert (row["ListCost"], row["BillingPeriodStart"], row["InvoiceId"]) == ("0.00178", "2026-01-01T00:00:00Z", None)


def test_who_may_see_one_namespace_sees_its_lines_alone(bill: Any, browser: Browser) -> None:
    scenes.namespace("shop")
    scenes.bill(namespace="batch", name="train", uid="another")
    bob = who_may(["CCI:bill:list", "CCI:pod:list"], "shop")
    page = text_of(bob, MONTH)
    assert "1 line is of a namespace" in page and "train" not in page and "¥0.0018" in page
    assert bob.get("/bills/pods/another/").status_code == 404
    assert "Ask somebody" in text_of(bob, f"{MONTH}proof/")


def test_who_may_not_list_pods_is_not_told_what_they_cost(bill: Any, browser: Browser) -> None:
    page = text_of(who_may(["CCI:bill:list"]), MONTH)
    assert "1 line is of a namespace" in page and "0.0018" not in page


def test_who_has_no_right_to_bills_is_refused_with_its_name(bill: Any, browser: Browser) -> None:
    answer = who_may(["CCI:pod:*"]).get("/bills/")
    assert answer.status_code == 403
    assert "cci:bill:list" in answer.content.decode()


def test_shares_are_of_what_was_billed_and_a_long_tail_is_one() -> None:
    lines = [_line_of(str(number), Decimal(number)) for number in range(1, 15)]
    found = bills.shares(lines, "namespace", "")
    assert [(one.name, one.amount) for one in found[:2]] == [("14", Decimal(14)), ("13", Decimal(13))]
    assert (found[-1].name, found[-1].amount) == ("2 more", Decimal(3))
    assert sum(float(one.width.rstrip("%")) for one in found) == pytest.approx(100, abs=0.1)


def test_a_chart_reaches_to_a_round_number_and_names_some_of_its_bars() -> None:
    start = Period.parse("2026-01").begins
    chart = charts.bars([Point(start, Decimal(3)), Point(start, Decimal(1), open=Decimal(2))], "day")
    assert [rule.amount for rule in chart.rules] == [Decimal("2.5"), Decimal(5)]
    assert [(bar.settled_height, bar.open_height) for bar in chart.bars] == [("96.00", "0.00"), ("32.00", "64.00")]
    assert [bar.label for bar in chart.bars] == ["", "01 Jan"]
    assert charts.bars([Point(start, Decimal(0))], "hour").rules == ()


def who_may(actions: list[str], *namespaces: str) -> Browser:
    admin = identity_of(scenes.user())
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions}
    if namespaces:
        statement["Resource"] = [f"CCI:*:*:namespace:{name}" for name in namespaces]
    people.create_policy(admin, "some", document={"Version": "1.1", "Statement": [statement]})
    people.create_user(admin, "bob", password="long enough", policies=["some"])
    return signed_in("acme", "bob")


def _told(line: billing.BillLine) -> tuple[billing.Bill, billing.BillLine]:
    return billing.bill("acme", Period.parse("2026-01")), line


def _line_of(namespace: str, cost: Decimal) -> Any:
    class Line:
        billed = cost

    line: Any = Line()
    line.namespace = namespace
    return line
