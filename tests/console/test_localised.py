"""Dates, ages and money are written as the page's language does; files that programs read know of no language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client as Browser
from django.utils import translation

from console import amounts, browserwords, cronwords, lowerwords, moments, spans
from console.forms.drafts import Whole
from console.forms.jobs import CronJobDraft
from console.templatetags.console import age, until
from tests.console import scenes

MOMENT = datetime(2026, 11, 27, 10, 30, tzinfo=UTC)


@pytest.fixture
def chinese() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


def test_a_moment_is_written_as_a_calendar_says_it(chinese: None) -> None:
    assert moments.clock(MOMENT) == "2026年11月27日 10:30"
    with translation.override("en"):
        assert moments.clock(MOMENT) == "Fri 27 Nov 2026, 10:30"


def test_ages_and_durations_have_units_of_the_language(chinese: None) -> None:
    assert [spans.age(seconds) for seconds in (40, 240, 7200, 200_000)] == ["40 秒", "4 分钟", "2 小时", "2 天"]
    assert [spans.duration(seconds) for seconds in (0.01, 0.2, 185)] == ["10 毫秒", "0.2 秒", "3 分 5 秒"]


def test_the_browser_counts_on_in_the_language_of_the_page(chinese: None) -> None:
    assert 'data-age-pattern-value="%(age)s前"' in age(MOMENT, ago=True)
    assert 'data-age-coming-value="%(time)s后"' in until(MOMENT)
    assert browserwords.catalogue("zh-hans")["%(count)s min"] == "%(count)s 分钟"
    assert browserwords.catalogue("en") == {}


def test_a_dollar_is_the_american_one_where_others_have_the_same_sign(chinese: None) -> None:
    assert amounts.money(Decimal("-1234.5"), "USD", 2) == "-US$1,234.50"
    assert amounts.money(Decimal("0.32"), "CNY") == "¥0.3200"
    with translation.override("en"):
        assert amounts.money(Decimal("-1234.5"), "USD", 2) == "-$1,234.50"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*/5 * * * *", "每 5 分钟"),
        ("0 */1 * * *", "每小时"),
        ("0 3 * * *", "每天 03:00"),
        ("30 2 * * 1,3", "每周的周一 和 周三 02:30"),
        ("0 3 1 * *", "每月 1 日 03:00"),
    ],
)
def test_schedules_are_said_in_the_languages_order(chinese: None, text: str, words: str) -> None:
    assert cronwords.words(text) == words


def test_what_a_form_calls_its_numbers_is_asked_when_it_is_said(chinese: None) -> None:
    _path, label = CronJobDraft.OWN_NUMBERS["deadline"]
    assert Whole("soon", 1).problems("deadline", label)[0].message.startswith("放弃启动前的时限须为")


def test_a_page_brings_its_scripts_words_along(db: None, browser: Browser) -> None:
    browser.cookies["cci_language"] = "zh-hans"
    assert '<script id="words" type="application/json">' in browser.get("/").content.decode()
    browser.cookies["cci_language"] = "en"
    assert 'id="words"' not in browser.get("/").content.decode()


def test_states_of_one_object_follow_the_reader(db: None, browser: Browser) -> None:
    scenes.namespace("shop")
    browser.cookies["cci_language"] = "zh-hans"
    chinese = browser.get("/namespaces/").content.decode()
    browser.cookies["cci_language"] = "en"
    english = browser.get("/namespaces/").content.decode()
    assert "异常" in chinese or "正常" in chinese
    assert "Normal" in english or "Abnormal" in english


def test_known_sentences_of_the_rooms_below_are_said_in_the_pages_language(chinese: None) -> None:
    assert lowerwords.said("0.25 cores, 1 GiB") == "0.25 核，1 GiB"
    assert lowerwords.said("billed as requested") == "按申请值计费"
    assert lowerwords.said("no space left on device") == "no space left on device"
    with translation.override("en"):
        why = "not enough is known yet: 1 of 24 hours, 250 of 500 readings"
        assert lowerwords.said(why) == why


def test_one_english_word_for_two_things_is_two_words_in_chinese(shop: None, browser: Browser) -> None:
    browser.cookies["cci_language"] = "zh-hans"
    rights, ways, search = (
        browser.get(page).content.decode()
        for page in ("/namespaces/shop/access/", "/namespaces/shop/deployments/web/access/", "/search/")
    )
    assert 'aria-current="page">权限</a>' in rights and 'aria-current="page">访问</a>' in ways
    assert "前往" in search and "转发到" not in search
