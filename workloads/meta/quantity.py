"""Kubernetes quantities (`500m`, `2Gi`), read strictly and written canonically, in exact decimal arithmetic."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import Any

GIB = 1024**3
MIB = 1024**2

_SYNTAX = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,3})?", re.ASCII)
_MAX_LENGTH = 64
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NANO = Decimal("1e-9")
_EXACT = Context(prec=200)
_LARGEST = Decimal(2**63 - 1)


class QuantityError(ValueError):
    """Not a quantity; the text is a sentence."""


def parse(value: Any) -> Decimal:
    """The exact number `value` stands for; JSON numbers are quantities too. Finer than nano is rounded up, as upstream.
    Raises QuantityError."""
    return _parsed(value)[0]


def millicores(value: Any) -> int:
    """CPU in thousandths of a core, rounded up. Raises QuantityError."""
    return _millicores(_text(value))


def whole(value: Any) -> int:
    """Memory in bytes (or any count), rounded up. Raises QuantityError."""
    return _whole(_text(value))


def canonical(value: Any) -> str:
    """As Kubernetes stores it: `0.5` is `500m`, `1024Mi` is `1Gi`, `1.5Gi` is `1536Mi`. Raises QuantityError."""
    return _canonical(_text(value))


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    number, suffix = _read(text)
    if suffix in _BINARY and number and number % 1024 == 0:
        return _binary(int(number))
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return _decimal(number, exponent=True)
    return _decimal(number)


def format_millicores(millis: int) -> str:
    """`500m`, `2`."""
    return canonical(f"{millis}m")


def format_bytes(count: int) -> str:
    """`2Gi`, `1536Mi`."""
    return _binary(count) if count >= 1024 else str(count)


def problem(value: Any) -> str:
    """What is wrong with `value` as a quantity, or ""."""
    try:
        parse(value)
    except QuantityError as error:
        return str(error)
    return ""


def _parsed(value: Any) -> tuple[Decimal, str]:
    return _read(_text(value))


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Decimal, str]:
    match = _SYNTAX.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if not match:
        raise QuantityError(
            f"{text[:_MAX_LENGTH]!r} is not a quantity: write a number and at most one suffix, without a space, "
            "such as 500m, 0.25, 512Mi or 2Gi"
        )
    suffix = match[2] or ""
    number = _capped(_EXACT.multiply(Decimal(match[1]), _factor(suffix)))
    away_from_zero = ROUND_CEILING if number >= 0 else ROUND_FLOOR
    return number.quantize(_NANO, away_from_zero, _EXACT), suffix


@lru_cache(maxsize=4096)
def _millicores(text: str) -> int:
    return _ceiling(_read(text)[0] * 1000)


@lru_cache(maxsize=4096)
def _whole(text: str) -> int:
    return _ceiling(_read(text)[0])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise QuantityError("must be a quantity: a string such as 500m or 2Gi, or a number")


def _factor(suffix: str) -> Decimal:
    if suffix in _BINARY:
        return Decimal(1024) ** _BINARY[suffix]
    if suffix in _DECIMAL:
        return Decimal(10) ** _DECIMAL[suffix]
    return Decimal(10) ** int(suffix[1:])


def _capped(number: Decimal) -> Decimal:
    """Upstream caps what does not fit into 64 bits instead of failing."""
    return max(-_LARGEST, min(_LARGEST, number))


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def _binary(number: int) -> str:
    for suffix, power in reversed(_BINARY.items()):
        if number % 1024**power == 0 and number:
            return f"{number // 1024**power}{suffix}"
    return str(number)


def _decimal(number: Decimal, *, exponent: bool = False) -> str:
    if not number:
        return "0"
    suffix, power = next((suffix, power) for suffix, power in reversed(_DECIMAL.items()) if _fits(number, power))
    if exponent:
        suffix = f"e{power}" if power else ""
    return f"{int(number.scaleb(-power, _EXACT))}{suffix}"


def _fits(number: Decimal, power: int) -> bool:
    """Whether `number` is a whole multiple of 10^power."""
    scaled = number.scaleb(-power, _EXACT)
    return scaled == scaled.to_integral_value()
