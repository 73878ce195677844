"""Money as people read it. Rounded half up, once, here: everything before this line is exact. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}


def format_money(amount: Decimal, currency: str, places: int = 4) -> str:
    """`¥0.3204`, `-¥1,234.50`; a currency without a sign of its own is spelled out: `CHF 0.3204`."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{_SIGNS.get(currency, f'{currency} ')}{abs(rounded):,.{places}f}"


def format_rate(per_second: Decimal, currency: str) -> str:
    """`0.000089 CNY/s`: all the digits a price has and no others."""
    return f"{plain(per_second)} {currency}/s"


def plain(amount: Decimal) -> str:
    """An exact number without trailing zeros: `0.3204`, `15`."""
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def short(amount: Decimal) -> str:
    """With cents, or below a tenth with two digits that tell something: `0.64`, `1.5`, `0.0054`, `0`."""
    return plain(_two_digits(amount) if abs(amount) < Decimal("0.1") else amount.quantize(_CENT, ROUND_HALF_UP))


def about(amount: Decimal) -> str:
    """Two digits, the rest is noise: `460`, `84`, `3.9`."""
    return plain(_two_digits(amount))


def _two_digits(amount: Decimal) -> Decimal:
    if not amount:
        return Decimal(0)
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1), ROUND_HALF_UP)
