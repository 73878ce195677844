"""The grid as an operator writes it: what is exported can be imported, and what cannot be read is said where."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import gridtexts
from workloads.kinds.grids import DEFAULT, ContainerRule, Grid, Row


@pytest.mark.parametrize(
    ("write", "read"), [(gridtexts.to_csv, gridtexts.of_csv), (gridtexts.to_yaml, gridtexts.of_yaml)]
)
def test_what_is_written_is_read_again(write: Any, read: Any) -> None:
    assert read(write(DEFAULT)) == DEFAULT


def test_yaml_carries_what_containers_must_obey() -> None:
    grid = Grid(DEFAULT.rows[:1], ContainerRule(100, 64 * 1024**2, 3))
    assert gridtexts.of_yaml(gridtexts.to_yaml(grid)) == grid


def test_a_row_is_short_where_it_says_little() -> None:
    assert gridtexts.row_of({"flavor": "general-computing", "cpu": "0.5", "memory": 3}) == Row(
        "general-computing", 500, 500, 3, 3
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flavor,cpu\ngeneral-computing,1\n", "line 2: memory is missing"),
        ("flavor,cpu,memory\ngeneral-computing,a few,1\n", "line 2: cpu is 'a few': write it as 0.25-32"),
        ("flavor,cpu,memory\ngeneral-computing,1,1.5\n", "line 2: memory is 1.5: it must be whole"),
        ("flavor,cpu,memory,colour\ngeneral-computing,1,1,red\n", "line 2: 'colour': a row has flavor, cpu"),
        ("flavor,cpu,memory\ngeneral-computing,1,1,red\n", "line 2: 'more': a row has"),
    ],
)
def test_csv_that_cannot_be_read_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(gridtexts.Unreadable) as error:
        gridtexts.of_csv(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "this is not YAML"),
        ("- 1", "a grid has rows"),
        ("rows: []\nprices: 1", "nothing else"),
        ("rows: [1]", r"rows\[0\]: a row has"),
        ("rows: []\ncontainers: {most: 1}", "containers: it has step, memory, count"),
        ("rows: []\ncontainers: {memory: much}", "containers: memory: 'much' is not a quantity"),
    ],
)
def test_yaml_that_cannot_be_read_is_said(text: str, words: str) -> None:
    with pytest.raises(gridtexts.Unreadable, match=words):
        gridtexts.of_yaml(text)
