"""Money as the visitor's language writes it. Only signs differ: a dollar is `$` in English, and `US$` in Chinese. REST,
CSV and kubectl's warnings write numbers and the currency's code."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import pgettext

from billing.client import format_money


def money(amount: Decimal, currency: str, places: int = 4) -> str:
    """`¥0.3204`, `-$1,234.50`."""
    text = format_money(amount, currency, places)
    return text.replace("$", pgettext("sign of the US dollar", "$")) if currency == "USD" else text
