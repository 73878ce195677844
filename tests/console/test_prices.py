"""Pages of prices: everybody reads them and calculates; who runs the installation adds, withdraws and imports."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from billing import client as billing
from billing.models import Price
from tests.console.conftest import signed_in

SOON = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0)
TYPED = {"item": "vcpu", "amount": "0.0001", "effective_from": f"{SOON:%Y-%m-%dT%H:%M}", "go": "submit"}
HEAD = "region,item,flavor,currency,amount,effective_from\n"
LINE = f"cn-north-4,vcpu,,CNY,0.0001,{SOON.isoformat()}\n"


@pytest.fixture
def operator(db: None) -> Browser:
    return signed_in("demo", "olga")


def read(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def coming() -> list[Decimal]:
    return [one.amount for one in billing.price_history("cn-north-4") if one.state == "coming"]


def test_everybody_sees_what_is_in_force_and_what_comes_and_nothing_to_press(
    operator: Browser, browser: Browser
) -> None:
    operator.post("/prices/add/", TYPED)
    page = read(browser.get("/prices/"))
    for words in ("core (vcpu)", "¥0.000049", "¥0.1764", "In force", "Coming", f"{SOON:%Y-%m-%d %H:%M}"):
        assert words in page
    assert "Add a price" not in page and "Withdraw" not in page
    assert "Withdraw" in read(operator.get("/prices/"))


def test_a_price_is_added_by_the_button_and_shown_before_it_is(operator: Browser) -> None:
    looked = read(operator.post("/prices/add/", {**TYPED, "go": "look"}))
    assert coming() == []
    assert "0.25 cores, 1 GiB" in looked and "¥0.1161" in looked
    added = operator.post("/prices/add/", TYPED)
    assert (added.status_code, added.headers["Location"], coming()) == (
        302,
        "/prices/?region=cn-north-4",
        [Decimal("0.0001")],
    )


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"amount": "x"}, "amount", "as a number"),
        ({"amount": "0.00000000001"}, "amount", "at most 10 decimal places"),
        ({"effective_from": "2026-01-01T00:00"}, "effective_from", "cannot begin in the past"),
        ({"effective_from": ""}, "effective_from", "Give a day and a time"),
        ({"currency": "USD"}, "currency", "priced in CNY"),
        ({"item": "cpu"}, "item", "is no item"),
        ({"region": "a b"}, "region", "called by"),
        ({"flavor": "none"}, "flavor", "is no flavor"),
    ],
)
def test_what_is_wrong_stands_at_its_field(operator: Browser, change: dict[str, str], field: str, words: str) -> None:
    answer = operator.post("/prices/add/", {**TYPED, **change})
    page = read(answer)
    assert answer.status_code == 422 and coming() == []
    assert words in page.partition(f'id="field-{field}"')[2].partition("</div>")[0]


def test_a_coming_price_is_withdrawn_and_one_that_began_stays(operator: Browser) -> None:
    operator.post("/prices/add/", TYPED)
    made = next(one for one in billing.price_history("cn-north-4") if one.state == "coming")
    assert "¥0.0001" in read(operator.get(f"/prices/{made.id}/withdraw/"))
    unsure = operator.post(f"/prices/{made.id}/withdraw/", {"word": "price"})
    assert unsure.status_code == 422 and "Type vcpu, exactly so." in read(unsure) and len(coming()) == 1
    assert operator.post(f"/prices/{made.id}/withdraw/", {"word": "vcpu"}).status_code == 302
    assert coming() == []
    begun = operator.post(f"/prices/{Price.objects.get(item='vcpu').pk}/withdraw/", {"word": "vcpu"})
    assert begun.status_code == 409 and "has begun" in read(begun)
    assert operator.get(f"/prices/{made.id}/withdraw/").status_code == 404


@pytest.mark.parametrize("path", ["add/", "import/", "1/withdraw/"])
def test_the_operators_pages_are_closed_to_others(browser: Browser, path: str) -> None:
    for answer in (browser.get(f"/prices/{path}"), browser.post(f"/prices/{path}", TYPED)):
        assert answer.status_code == 403
        assert "runs this installation" in read(answer)
    assert coming() == []


def test_csv_is_exported_shown_and_imported(operator: Browser, browser: Browser) -> None:
    exported = browser.get("/prices/export/?region=cn-north-4").content.decode()
    assert exported.startswith(HEAD + "cn-north-4,vcpu,,CNY,0.000049,1970-01-01T00:00:00Z")
    looked = read(operator.post("/prices/import/", {"csv": exported + LINE, "go": "look"}))
    assert "1 added, 0 replaced, 2 unchanged." in looked and coming() == []
    file = SimpleUploadedFile("prices.csv", (exported + LINE).encode("utf-8-sig"))
    assert operator.post("/prices/import/", {"csv": "", "file": file, "go": "submit"}).status_code == 302
    assert coming() == [Decimal("0.0001")]


def test_an_import_that_is_wrong_is_told_line_by_line(operator: Browser) -> None:
    text = HEAD + LINE + LINE.replace("vcpu", "cpu")
    answer = operator.post("/prices/import/", {"csv": text.replace("\n", "\r\n"), "go": "submit"})
    page = read(answer).partition('id="troubles"')[2]
    assert answer.status_code == 422 and coming() == []
    assert "is no item" in page and ">3<" in page
    assert operator.post("/prices/import/", {"file": SimpleUploadedFile("x", b"\xff"), "go": "look"}).status_code == 422


def calculate(browser: Browser, **asked: str) -> str:
    return read(browser.get("/prices/calculator/?" + urlencode(asked)))


def test_the_calculator_keeps_its_question_in_the_address(browser: Browser) -> None:
    page = calculate(browser, size="2.00_4.0", pods="3", duration="2", unit="hours")
    for words in (
        "3 pods of 2 cores, 4 GiB",
        "¥0.000534",
        "¥1.9224",
        "¥3.8448",
        "/api/v1/calculator?region=cn-north-4",
    ):
        assert words in page
    assert '<option value="2.00_4.0" selected>' in page
    assert "¥3.8448" in calculate(browser, size="free", cpu="2", memory="4", pods="3", duration="7200", unit="seconds")


def test_what_cannot_be_had_is_answered_with_what_can(browser: Browser) -> None:
    page = calculate(browser, size="free", cpu="3", memory="4")
    assert "Nearest sizes:" in page and "3 cores, 6 GiB" in page and "¥0.9612/h" in page
    assert "cpu=3&memory=6" in page


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"pods": "-1"}, "pods"),
        ({"pods": "1000001"}, "pods"),
        ({"duration": "9999", "unit": "months"}, "duration"),
        ({"duration": "1e9"}, "duration"),
        ({"size": "free", "cpu": "x"}, "cpu"),
        ({"size": "free", "memory": "999999"}, "cpu"),
        ({"flavor": "gpu-accelerated"}, "size"),
        ({"region": "nowhere"}, "size"),
        ({"region": "nowhere", "size": "free"}, "size"),
    ],
)
def test_a_question_that_cannot_be_answered_is_marked_where_it_can_be_mended(
    browser: Browser, asked: dict[str, str], field: str
) -> None:
    page = calculate(browser, **asked)
    assert "field__error" in page.partition(f'id="field-{field}"')[2].partition("</div>")[0]
    assert "Mend what is marked" in page


def test_cards_are_calculated_where_they_have_a_price(operator: Browser) -> None:
    card = "nvidia.com/gpu-tesla-t4"
    Price.objects.create(
        region="cn-north-4", item=card, currency="CNY", amount=Decimal("0.002"),
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    page = calculate(operator, flavor="gpu-accelerated", size=f"8.00_32.0_{card}_1", duration="1", unit="seconds")
    assert "¥0.003032" in page and card in page
    free = calculate(operator, flavor="gpu-accelerated", size="free", cpu="16", memory="64", gpu=card, gpus="2")
    assert "¥0.006064" in free


def test_the_rest_api_is_described_in_the_console(browser: Browser) -> None:
    page = read(browser.get("/help/rest/"))
    for words in ("/api/v1/prices", "Add a price", "effectiveFrom", "/rest/schema/"):
        assert words in page
    assert "https://" not in page.partition("<main")[2]
