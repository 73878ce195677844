"""How the console writes money: the currency's sign, four places, half up, thousands grouped."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_SHOWN = Decimal("0.0001")


def symbol(currency: str) -> str:
    """`¥`, or the code and a space for a currency without a common sign."""
    return _SIGNS.get(currency, f"{currency} ")


def amount(value: Decimal) -> str:
    """`1,234.5000`: the same text as formatUnits in behaviours/tick.ts."""
    return f"{value.quantize(_SHOWN, ROUND_HALF_UP):,}"
