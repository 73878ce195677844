"""Causes open with Kubernetes' words and carry its reasons."""

from __future__ import annotations

import pytest

from workloads.meta import causes
from workloads.meta.errors import Cause


@pytest.mark.parametrize(
    ("cause", "message", "reason"),
    [
        (causes.required("f"), "Required value", "FieldValueRequired"),
        (causes.required("f", "give it"), "Required value: give it", "FieldValueRequired"),
        (causes.invalid("f", "x", "must be y"), 'Invalid value: "x": must be y', "FieldValueInvalid"),
        (causes.invalid("f", {"a": 1}, "no"), 'Invalid value: {"a":1}: no', "FieldValueInvalid"),
        (causes.immutable("f", 1), "Invalid value: 1: field is immutable", "FieldValueInvalid"),
        (causes.forbidden("f", "no"), "Forbidden: no", "FieldValueForbidden"),
        (
            causes.unsupported("f", "x", ("a", "b")),
            'Unsupported value: "x": supported values: "a", "b"',
            "FieldValueNotSupported",
        ),
        (causes.duplicate("f", "x"), 'Duplicate value: "x"', "FieldValueDuplicate"),
        (causes.too_long("f", 5), "Too long: may not be more than 5 bytes", "FieldValueTooLong"),
        (causes.too_many("f", 3, 2), "Too many: 3: must have at most 2 items", "FieldValueTooMany"),
        (causes.wrong_type("f", [], "a map"), "Invalid value: []: must be a map", "FieldValueTypeInvalid"),
    ],
)
def test_a_cause_says_field_rule_and_reason(cause: Cause, message: str, reason: str) -> None:
    assert cause == Cause("f", message, reason)


def test_long_values_are_cut() -> None:
    assert causes.shown("x" * 300) == '"' + "x" * 199 + "..."


def test_huge_numbers_can_be_shown() -> None:
    assert causes.shown(2**70) == str(2**70)


def test_what_is_nested_too_deeply_is_not_shown() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert causes.shown(deep) == "..."
