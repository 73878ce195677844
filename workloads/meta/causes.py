"""How one wrong field is said. The openings (`Invalid value: "x": ...`) are Kubernetes' own, so that kubectl users and
forms read the same words; what follows names the rule and, where there is one, the remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from workloads.meta.errors import Cause


def required(field: str, detail: str = "") -> Cause:
    """Something must be given."""
    return Cause(field, f"Required value: {detail}" if detail else "Required value", "FieldValueRequired")


def invalid(field: str, value: Any, detail: str) -> Cause:
    """The value breaks the rule in `detail`."""
    return Cause(field, f"Invalid value: {shown(value)}: {detail}", "FieldValueInvalid")


def immutable(field: str, value: Any) -> Cause:
    return invalid(field, value, "field is immutable")


def not_found(field: str, value: Any) -> Cause:
    """The value names nothing that is there."""
    return Cause(field, f"Not found: {shown(value)}", "FieldValueNotFound")


def forbidden(field: str, detail: str) -> Cause:
    """The field may not be given at all."""
    return Cause(field, f"Forbidden: {detail}", "FieldValueForbidden")


def unsupported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """The value is not one of a list."""
    names = ", ".join(f'"{name}"' for name in supported)
    return Cause(field, f"Unsupported value: {shown(value)}: supported values: {names}", "FieldValueNotSupported")


def duplicate(field: str, value: Any) -> Cause:
    return Cause(field, f"Duplicate value: {shown(value)}", "FieldValueDuplicate")


def too_long(field: str, limit: int) -> Cause:
    return Cause(field, f"Too long: may not be more than {limit} bytes", "FieldValueTooLong")


def too_many(field: str, count: int, limit: int) -> Cause:
    return Cause(field, f"Too many: {count}: must have at most {limit} items", "FieldValueTooMany")


def wrong_type(field: str, value: Any, wanted: str) -> Cause:
    """The value has another JSON type than `wanted` ("an integer")."""
    return Cause(field, f"Invalid value: {shown(value)}: must be {wanted}", "FieldValueTypeInvalid")


def shown(value: Any, limit: int = 200) -> str:
    """`value` as an error quotes it: JSON, cut when it is long."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    except RecursionError:
        text = "..."
    return text if len(text) <= limit else text[:limit] + "..."
