"""A resource package as an operator types it. The rules are `billing.packages`' own; here only text becomes values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from billing import client as billing
from console.forms.drafts import Fields, text


@dataclass(frozen=True)
class PackageDraft:
    """`starts` and `ends` as a browser's date and time have them, UTC."""

    account: str = ""
    name: str = ""
    item: str = "vcpu"
    hours: str = ""
    starts: str = ""
    ends: str = ""
    monthly: str = ""

    @classmethod
    def read(cls, fields: Fields) -> PackageDraft:
        return cls(**{name: text(fields, name, default) for name, default in vars(cls()).items()})

    def wish(self) -> billing.packages.Wish:
        """What is no number or no time is told as such by the rules."""
        return billing.packages.Wish(
            account=self.account,
            name=self.name,
            item=self.item,
            hours=_number(self.hours),
            starts=_moment(self.starts) or _LONG_AGO if self.starts else None,
            ends=_moment(self.ends),
            monthly=bool(self.monthly),
        )


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""What was typed is no time: no rule lets this one pass."""


def _number(typed: str) -> Decimal | None:
    try:
        found = Decimal(typed) if len(typed) <= 30 else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _moment(typed: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
