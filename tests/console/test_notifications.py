"""Notifications: what budgets have told, in the reader's language and with what follows from it."""

from __future__ import annotations

from django.conf import settings
from django.test import Client as Browser

from billing.budgets.models import Budget, Crossing
from tests.console.test_pages import text_of

PAGE = "/notifications/"


def cross(threshold: int, **rest: str) -> None:
    budget = Budget.objects.get(name="web")
    facts = {"period_start": 1, "at": 10**9, "spent": "120", "amount": "100", "action": "notify"}
    Crossing.objects.create(budget=budget, threshold=threshold, **{**facts, **rest})


def test_a_threshold_is_told_with_the_money_and_what_follows(shop: None, browser: Browser) -> None:
    cross(80, spent="81")
    cross(100, action="suspend")
    shown = text_of(browser, PAGE)
    assert "80 % is spent: ¥81.00 of ¥100.00 a month, on namespace shop." in shown
    assert "100 % is spent: ¥120.00 of ¥100.00 a month, on namespace shop. What runs is suspended" in shown


def test_a_threshold_is_told_in_chinese(shop: None, browser: Browser) -> None:
    cross(100, action="stop")
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    shown = text_of(browser, PAGE)
    assert "已花费 100 %" in shown and "不再创建新的 Pod" in shown and "is spent" not in shown
