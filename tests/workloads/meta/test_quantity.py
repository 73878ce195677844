"""Quantities: strict on the way in, canonical on the way out, exact in between."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import quantity
from workloads.meta.quantity import QuantityError

SUFFIXES = ("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "E2", "e-2")

quantities = st.builds(
    lambda whole, fraction, suffix: f"{whole}{fraction}{suffix}",
    st.integers(0, 10**6),
    st.sampled_from(("", ".", ".5", ".25", ".001")),
    st.sampled_from(SUFFIXES),
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0.5", "500m"),
        ("1", "1"),
        (1, "1"),
        (0.25, "250m"),
        ("2.0", "2"),
        ("1000", "1k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.1Mi", "104857600m"),
        ("1e3", "1e3"),
        ("5e0", "5"),
        ("12E4", "120e3"),
        ("1E", "1E"),
        ("0", "0"),
        ("-1.5", "-1500m"),
        ("-2Gi", "-2Gi"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("99999E", "9223372036854775807"),
    ],
)
def test_a_quantity_is_kept_in_its_canonical_form(written: object, kept: str) -> None:
    assert quantity.canonical(written) == kept


@pytest.mark.parametrize(
    "text", ["", "1 Gi", " 1", "1 ", "Gi", "1gi", "1GI", "1.2.3", "1e", "--1", "١", "0x10", "1e9999", "1" * 65]
)
def test_what_is_not_a_quantity_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(QuantityError, match="is not a quantity: write a number and at most one suffix"):
        quantity.parse(text)


@pytest.mark.parametrize("value", [True, None, [], {}, b"1"])
def test_other_json_types_are_not_quantities(value: object) -> None:
    assert "must be a quantity" in quantity.problem(value)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_infinity_is_not_a_quantity(value: float) -> None:
    assert quantity.problem(value)


def test_cpu_is_counted_in_thousandths_rounded_up() -> None:
    assert quantity.millicores("0.25") == 250
    assert quantity.millicores("1500u") == 2


def test_memory_is_counted_in_bytes_rounded_up() -> None:
    assert quantity.whole("0.2Gi") == 214748365
    assert quantity.whole("2Gi") == 2 * quantity.GIB


def test_numbers_become_quantities_again() -> None:
    assert quantity.format_millicores(500) == "500m"
    assert quantity.format_millicores(2000) == "2"
    assert quantity.format_bytes(3 * quantity.GIB) == "3Gi"
    assert quantity.format_bytes(1536 * quantity.MIB) == "1536Mi"
    assert quantity.format_bytes(1025) == "1025"
    assert quantity.format_bytes(1000) == "1000"


@given(quantities)
def test_canonical_means_the_same_and_stays_canonical(text: str) -> None:
    kept = quantity.canonical(text)
    assert quantity.parse(kept) == quantity.parse(text)
    assert quantity.canonical(kept) == kept


@given(st.decimals(min_value=0, max_value=10**9, places=9))
def test_nothing_is_lost_down_to_a_nano(number: Decimal) -> None:
    assert quantity.parse(f"{number:f}") == number


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_sentence(text: str) -> None:
    assert quantity.problem(text) == "" or "is not a quantity" in quantity.problem(text)
