"""Kubernetes' quantities as numbers. Pure. lightkube reads all but the smallest, in which CPU figures are told."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from lightkube.utils.quantity import parse_quantity

_SMALL = {"n": Decimal("1e-9"), "u": Decimal("1e-6")}


def parse(text: Any) -> Decimal:
    """`250m`, `1.5Gi`, `12345678n`. Raises ValueError."""
    written = str(text)
    if written[-1:] in _SMALL:
        try:
            return Decimal(written[:-1]) * _SMALL[written[-1]]
        except InvalidOperation:
            raise ValueError(f"Invalid quantity string: '{written}'") from None
    return parse_quantity(written) or Decimal(0)
