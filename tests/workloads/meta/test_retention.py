"""Who gives way when there is too much of what accounts keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta.retention import share


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ({}, 100, 100),
        ({"acme": 40, "other": 50}, 100, 50),
        ({"acme": 10, "other": 500}, 100, 90),
        ({"acme": 500, "other": 500}, 100, 50),
        ({"a": 10, "b": 30, "c": 300, "d": 300}, 100, 30),
        ({"acme": 500}, 0, 0),
    ],
)
def test_the_largest_come_down_to_the_same(sizes: dict[str, int], limit: int, expected: int) -> None:
    assert share(sizes, limit=limit) == expected


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 10**12), max_size=8), st.integers(0, 10**12))
def test_nobody_loses_while_there_is_room_and_all_fit_afterwards(sizes: dict[str, int], limit: int) -> None:
    most = share(sizes, limit=limit)
    after = [min(size, most) for size in sizes.values()]
    assert sum(after) <= limit or sum(sizes.values()) <= limit
    assert limit - sum(after) < len(sizes) or after == list(sizes.values())
