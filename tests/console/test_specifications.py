"""The grid of pod specifications in the console and over REST: everybody reads it, its operator writes it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import translation

from billing import sizes
from billing.models import MeteredPod
from billing.rating import Size
from tests.console.conftest import signed_in
from tests.console.test_rest import assert_status
from workloads.admission import grid
from workloads.kinds.grids import DEFAULT
from workloads.store.models import GridRow

SOON = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0)
PAGE, ROWS = "/prices/specifications/", "/api/v1/pod-specifications/rows"
TYPED = {"flavor": "general-computing", "cpu": "0.1", "step": "", "memory": "1", "go": "submit"}
DRAFT = {"flavor": "general-computing", "cpu": "0.1", "memory": "1", "effectiveFrom": SOON.isoformat()}


@pytest.fixture(autouse=True)
def fresh(db: None) -> Iterator[None]:
    """The default grid as a migration left it, which tests with transactions of their own may have flushed."""
    grid.fill()
    grid.forget()
    yield
    grid.forget()


@pytest.fixture
def operator(db: None) -> Browser:
    return signed_in("demo", "olga")


def read(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def send(browser: Browser, path: str, body: Any = None, method: str = "POST") -> Any:
    return browser.generic(method, path, json.dumps(body), "application/json")


def runs(cpu_millis: int, memory_mib: int, number: int) -> None:
    size = Size("general-computing", cpu_millis, memory_mib)
    sizes.remember([("cn-north-4", size)])
    MeteredPod.objects.bulk_create(
        MeteredPod(
            uid=f"{cpu_millis}-{one}",
            priced_size=sizes.number("cn-north-4", size),
            account="acme",
            started=1,
            settled_until=1,
            rate_at_start=0,
            revision=1,
            cpu_millis=cpu_millis,
            memory_mib=memory_mib,
        )
        for one in range(number)
    )


def test_everybody_sees_what_can_be_had_and_nothing_to_press(browser: Browser, operator: Browser) -> None:
    page = read(browser.get(PAGE))
    for words in ("0.25-32", "1-512 GiB", "2-8", "nvidia.com/gpu-tesla-t4", "steps of 0.25", "at most 5 containers"):
        assert words in page
    assert "Add specifications" not in page and "/end/" not in page
    assert "Add specifications" in read(operator.get(PAGE))


def test_a_row_is_added_by_the_button_from_a_day_on_and_shown_before_it_is(operator: Browser) -> None:
    later = {**TYPED, "since": f"{SOON:%Y-%m-%dT%H:%M}"}
    looked = read(operator.post(f"{PAGE}add/", {**later, "go": "look"}))
    assert "0.1 cores, 1 GiB" in looked and "¥0.0896" in looked
    assert [one.row for one in grid.history() if one.since.year > 1970] == []

    assert operator.post(f"{PAGE}add/", later).status_code == 302
    assert f"{SOON:%Y-%m-%d %H:%M}" in read(operator.get(f"{PAGE}?state=coming"))
    assert grid.current() == DEFAULT


def test_a_change_tells_which_running_pods_have_sizes_that_will_be_gone(operator: Browser) -> None:
    runs(32_000, 65_536, 3)
    first = grid.numbered()[0]
    narrow = {**TYPED, "cpu": "0.25-16", "memory": "1-512", "ratio": "2-8"}
    looked = read(operator.post(f"{PAGE}{first.number}/change/", {**narrow, "go": "look"}))
    assert "3 pods that run have sizes" in looked and "32 cores, 64 GiB" in looked

    assert operator.post(f"{PAGE}{first.number}/change/", narrow).status_code == 302
    assert grid.current().rows[0].max_cpu_millis == 16_000
    assert "0.25-32" in read(operator.get(f"{PAGE}?state=past"))


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"cpu": "much"}, "cpu", "write it as 0.25-32"),
        ({"memory": "1.5"}, "memory", "must be whole"),
        ({"cpu": "0.25-32", "step": "0.3"}, "cpu", "in whole steps"),
        ({"gpu": "nvidia.com/gpu-tesla-t4"}, "gpu", "only rows of gpu-accelerated"),
        ({"since": "2026-01-01T00:00"}, "since", "in the past"),
        ({"since": "soon"}, "since", "Give a day and a time"),
    ],
)
def test_what_is_wrong_stands_at_its_field(operator: Browser, change: dict[str, str], field: str, words: str) -> None:
    answer = operator.post(f"{PAGE}add/", {**TYPED, **change})
    assert answer.status_code == 422 and grid.current() == DEFAULT
    assert words.lower() in read(answer).partition(f'id="field-{field}"')[2].partition("</div>")[0].lower()


def test_a_row_is_ended_at_a_time_and_goes_on_when_that_is_taken_back(operator: Browser) -> None:
    number = grid.numbered()[1].number
    asked = read(operator.get(f"{PAGE}{number}/end/"))
    assert "exactly 48" not in asked and "48 cores" in asked
    ending = {"since": f"{SOON:%Y-%m-%dT%H:%M}", "go": "end"}
    unsure = operator.post(f"{PAGE}{number}/end/", ending)
    assert unsure.status_code == 422 and "Type DELETE, exactly so." in read(unsure)
    assert grid.found(number).until is None and ending["since"] in read(unsure)
    assert operator.post(f"{PAGE}{number}/end/", ending | {"word": "DELETE"}).status_code == 302
    assert grid.found(number).until == SOON
    assert "Let them go on" in read(operator.get(f"{PAGE}{number}/end/"))
    assert operator.post(f"{PAGE}{number}/end/", {"go": "keep"}).status_code == 302
    assert grid.found(number).until is None


@pytest.mark.parametrize("path", ["add/", "1/change/", "1/end/"])
def test_the_operators_pages_are_closed_to_others(browser: Browser, path: str) -> None:
    for answer in (browser.get(PAGE + path), browser.post(PAGE + path, TYPED)):
        assert answer.status_code == 403 and "runs this installation" in read(answer)
    assert grid.current() == DEFAULT


def test_rows_are_listed_by_page_flavor_state_and_time(browser: Browser, operator: Browser) -> None:
    made = send(operator, ROWS, DRAFT)
    assert (made.status_code, made.json()["state"]) == (201, "coming")
    first = browser.get(f"{ROWS}?flavor=general-computing&limit=2").json()
    rest = browser.get(f"{ROWS}?flavor=general-computing&limit=2&continue={first['continue']}").json()
    assert [one["cpu"] for one in (*first["items"], *rest["items"])] == ["0.1", "0.25-32", "48", "64"]
    assert [one["cpu"] for one in browser.get(f"{ROWS}?state=coming").json()["items"]] == ["0.1"]
    then = (SOON + timedelta(days=1)).isoformat()
    assert len(browser.get(ROWS, {"at": then}).json()["items"]) == len(DEFAULT.rows) + 1


def test_a_row_is_previewed_changed_and_ended_over_rest(operator: Browser) -> None:
    runs(48_000, 131_072, 2)
    number = grid.numbered()[1].number
    wish = {"flavor": "general-computing", "cpu": "40", "memory": "80-320"}
    effect = send(operator, f"{ROWS}/{number}/preview", wish).json()
    assert [(one["specification"], one["pods"]) for one in effect["gone"]] == [("48 cores, 128 GiB", 2)]
    assert send(operator, f"{ROWS}/preview", DRAFT).json()["sizes"][0]["price"]["perSecond"] == "0.0000249"

    changed = send(operator, f"{ROWS}/{number}", wish, "PUT").json()
    assert (changed["cpu"], operator.get(f"{ROWS}/{number}").json()["state"]) == ("40", "past")
    assert send(operator, f"{ROWS}/{changed['id']}", method="DELETE").status_code == 204
    assert_status(send(operator, f"{ROWS}/4711", method="DELETE"), 404, "NotFound")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"cpu": "much"}, 422, "cpu"),
        ({"flavor": "fast"}, 422, "flavor"),
        ({"effectiveFrom": "2026-01-01T00:00:00Z"}, 422, "effectiveFrom"),
        ({"cpu": None}, 400, "cpu"),
        ({"cpus": 1}, 400, "cpus"),
    ],
)
def test_what_is_wrong_names_its_field(operator: Browser, change: dict[str, Any], code: int, field: str) -> None:
    answer = send(operator, ROWS, {**DRAFT, **change})
    assert (answer.status_code, answer.json()["details"]["causes"][0]["field"]) == (code, field)


def test_rows_of_a_table_that_somebody_emptied_can_be_named_and_changed(operator: Browser) -> None:
    GridRow.objects.all().delete()
    rows = operator.get(f"{ROWS}?state=in force").json()["items"]
    assert len(rows) == len(DEFAULT.rows) and all(one["id"] for one in rows)
    page = read(operator.get(PAGE))
    for one in rows[:2]:
        assert f"{PAGE}{one['id']}/change/" in page
        assert operator.get(f"{PAGE}{one['id']}/change/").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": "much"},
        {"memory": ""},
        {"memory": "1.5"},
        {"cpu": "0.25-32", "step": "0.3"},
        {"cpu": "9-1"},
        {"ratio": "9-8", "memory": "1"},
        {"gpu": "nvidia.com/gpu-tesla-t4"},
        {"flavor": "gpu-accelerated"},
        {"flavor": "gpu-accelerated", "gpu": "card"},
        {"flavor": "gpu-accelerated", "gpu": "nvidia.com/gpu-tesla-t4", "gpus": "99"},
        {"since": "2026-01-01T00:00"},
        {"cpu": "48", "ratio": "2-8", "memory": "1-512"},
    ],
)
def test_what_is_wrong_is_said_in_the_pages_language(operator: Browser, change: dict[str, str]) -> None:
    operator.cookies["cci_language"] = "zh-hans"
    with translation.override("en"):  # what a request speaks ends with it
        answer = operator.post(f"{PAGE}add/", {**TYPED, **change})
    said = re.findall(r'(?:_error"><li>|role="alert"><span>)([^<]+)<', read(answer))
    assert answer.status_code == 422 and said
    assert [words for words in said if words.isascii()] == []


def test_a_row_that_was_sent_twice_is_there_once(operator: Browser) -> None:
    headers = {"idempotency-key": "row-1"}
    answers = [operator.post(ROWS, DRAFT, content_type="application/json", headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(grid.history()) == len(DEFAULT.rows) + 1
