"""A column for exact money.

SQLite keeps decimals as binary floating point, and its sums drift. There an amount is a whole number of 10^-10 units of
its currency; PostgreSQL has numeric(20, 10). Both add up to the last digit, in SQL as in Python.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

from billing.rating import PLACES

if TYPE_CHECKING:
    _Base = models.DecimalField[Decimal | int | str, Decimal]
else:
    _Base = models.DecimalField


class AmountField(_Base):
    """Decimal(20, 10). On SQLite the largest sum is 922,337,203."""

    description = "An exact amount of money, ten decimal places"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_digits": 20, "decimal_places": 10})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {k: v for k, v in kwargs.items() if k not in ("max_digits", "decimal_places")}

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "bigint" if connection.vendor == "sqlite" else "numeric(20, 10)"

    def get_internal_type(self) -> str:
        return "AmountField"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if not isinstance(value, Decimal | int | str):
            return value
        amount = Decimal(value).quantize(PLACES, rounding=ROUND_HALF_UP)
        return int(amount.scaleb(10)) if connection.vendor == "sqlite" else amount

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, _expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-10) if connection.vendor == "sqlite" else value


def of_column(value: int | Decimal) -> Decimal:
    """An amount as a plain statement reads it (`iam.sql`)."""
    return Decimal(value).scaleb(-10) if connection.vendor == "sqlite" else Decimal(value)
