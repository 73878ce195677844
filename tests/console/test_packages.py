"""Resource packages in the console and over REST: the operator grants, the account sees what is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from billing.models import Package
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.test_bills import who_may
from tests.console.test_rest import assert_status

pytestmark = pytest.mark.django_db

API = "/api/v1/packages"


@pytest.fixture
def operator(browser: Browser, settings: Settings) -> Browser:
    settings.OPERATOR_ACCOUNT = "runs-it"
    return signed_in("runs-it", "olga")


def hour(days: int) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days)


def wish(**change: Any) -> dict[str, Any]:
    return {"account": "acme", "name": "Spring", "item": "vcpu", "hours": "100", "ends": hour(30).isoformat(), **change}


def granted(operator: Browser, **change: Any) -> int:
    answer = operator.post(API, wish(**change), content_type="application/json")
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def test_the_operator_grants_in_a_form_and_the_account_sees_what_is_left(operator: Browser, browser: Browser) -> None:
    sent = {**wish(ends=f"{hour(30):%Y-%m-%dT%H:%M}", monthly="yes"), "go": "submit"}
    assert operator.post("/create/package/", sent).status_code == 302
    page = browser.get("/packages/").content.decode()
    assert "Spring" in page and "100 core-hours, each month anew" in page and "Grant a package" not in page
    assert "to acme, by olga" in operator.get("/packages/").content.decode()


def test_what_is_wrong_stands_at_its_field(operator: Browser) -> None:
    answer = operator.post("/create/package/", {**wish(account="nobody", hours="many", ends=""), "go": "submit"})
    assert answer.status_code == 422
    for name in ("account", "hours", "ends"):
        assert f'id="id_{name}_error"' in answer.content.decode()
    assert not Package.objects.exists()


def test_only_the_operator_grants_and_ends(operator: Browser, browser: Browser) -> None:
    number = granted(operator)
    assert_status(browser.post(API, wish(), content_type="application/json"), 403, "Forbidden")
    assert_status(browser.delete(f"{API}/{number}"), 403, "Forbidden")
    assert browser.get("/create/package/").status_code == browser.post(f"/packages/{number}/end/").status_code == 403


def test_a_package_that_is_ended_pays_this_hour_and_no_longer(operator: Browser, browser: Browser) -> None:
    number = granted(operator)
    assert operator.post(f"/packages/{number}/end/", {"word": "Spring"}).status_code == 302
    soon = datetime.fromisoformat(browser.get(f"{API}/{number}").json()["ends"])
    assert timedelta(0) < soon - datetime.now(UTC) <= timedelta(hours=1)
    assert operator.delete(f"{API}/{number}").status_code == 204, "again changes nothing"
    assert operator.get("/packages/999/end/").status_code == 404


def test_packages_are_told_over_rest(operator: Browser, browser: Browser) -> None:
    granted(operator)
    (told,) = browser.get(API).json()["items"]
    assert (told["hours"], told["used"], told["left"], told["state"]) == ("100", "0", "100", "in force")
    assert_status(operator.post(API, wish(hours="0"), content_type="application/json"), 422, "Invalid")


def test_a_stranger_sees_none_and_who_may_not_is_refused(
    operator: Browser, browser: Browser, strangers_browser: Browser
) -> None:
    number = granted(operator)
    assert strangers_browser.get(API).json()["items"] == []
    assert_status(strangers_browser.get(f"{API}/{number}"), 404, "NotFound")
    bob = who_may(["CCI:pod:*"])
    assert_status(bob.get(API), 403, "Forbidden")
    assert bob.get("/packages/").status_code == 403


def test_a_statement_says_what_packages_paid(operator: Browser, browser: Browser) -> None:
    granted(operator, starts=hour(1).isoformat())
    Package.objects.update(starts=0)
    scenes.bill()
    page = browser.get("/bills/2026-01/").content.decode()
    assert "Paid by resource packages" in page and "0.01 core-hours" in page and "by packages" in page
    told = browser.get("/api/v1/bills/2026-01").json()
    assert (told["listed"], told["covered"], told["billed"]) == ("0.00178", "0.00098", "0.0008")
