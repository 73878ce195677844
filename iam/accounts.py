"""What an account has chosen for itself."""

from __future__ import annotations

from iam.models import Account


def hears_prices(name: str) -> bool:
    """Whether writes are answered with what they change of the price. They are, unless the account has it off."""
    chosen = Account.objects.filter(name=name).values_list("price_warnings", flat=True).first()
    return chosen is not False


def hear_prices(name: str, *, wanted: bool) -> bool:
    """False when there is no such account."""
    return Account.objects.filter(name=name).update(price_warnings=wanted) > 0
