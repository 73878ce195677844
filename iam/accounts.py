"""What an account has chosen for itself."""

from __future__ import annotations

from iam import sql
from iam.models import Account

CHANGE = "cci:account:update"
"""The action of changing any of it."""


def hears_prices(name: str) -> bool:
    """Whether writes are answered with what they change of the price. They are, unless the account has it off."""
    found = sql.select("SELECT price_warnings FROM iam_account WHERE name = %s", [name])
    return not found or bool(found[0][0])


def hear_prices(name: str, *, wanted: bool) -> bool:
    """False when there is no such account."""
    return Account.objects.filter(name=name).update(price_warnings=wanted) > 0
