"""Sets of completion indexes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import indexes
from workloads.meta.indexes import Indexes, IndexesError

NUMBERS = st.sets(st.integers(0, 40))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([3], "3"), ([3, 4], "3,4"), ([3, 4, 5], "3-5"), ([7, 1, 3, 5, 4], "1,3-5,7")],
)
def test_runs_of_three_are_shortened(numbers: list[int], text: str) -> None:
    assert str(indexes.of(numbers)) == text


@given(NUMBERS)
def test_what_is_written_is_read_again(numbers: set[int]) -> None:
    made = indexes.of(numbers)
    assert indexes.parse(str(made)) == made
    assert list(made) == sorted(numbers)
    assert len(made) == len(numbers)
    assert all((number in made) == (number in numbers) for number in range(42))


@given(NUMBERS, NUMBERS)
def test_sets_are_joined_and_met_as_sets_are(one: set[int], other: set[int]) -> None:
    assert indexes.of(one) | indexes.of(other) == indexes.of(one | other)
    assert indexes.of(one) & indexes.of(other) == indexes.of(one & other)


@given(NUMBERS, st.integers(0, 42))
def test_below_cuts(numbers: set[int], end: int) -> None:
    assert list(indexes.of(numbers).below(end)) == sorted(number for number in numbers if number < end)


def test_a_billion_indexes_cost_as_much_as_one() -> None:
    assert len(indexes.parse("0-999999999")) == 1_000_000_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a", 'cannot convert string to integer for index: "a"'),
        ("1-2-3", "at most two parts"),
        ("3,1", "non-increasing order, previous: 3, current: 1"),
        ("5-2", "non-increasing order, previous: 5, current: 2"),
        ("1,", "cannot convert"),
        ("9", 'too large index: "9"'),
    ],
)
def test_what_is_no_set_is_said(text: str, sentence: str) -> None:
    with pytest.raises(IndexesError, match="(?s).*" + sentence.replace("(", "[(]")):
        indexes.parse(text, below=9)


def test_only_numbers_are_in_a_set() -> None:
    assert "1" not in Indexes(((1, 1),))
