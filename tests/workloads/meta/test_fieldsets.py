"""Sets of fields behave as sets, whatever tree they are written as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import fieldsets
from workloads.meta.fieldsets import Fields, Path

STEPS = ("f:a", "f:b", 'k:{"name":"x"}', "v:1")
PATHS = st.sets(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3).map(tuple), max_size=12)


def tree(paths: set[Path]) -> Fields:
    """The set of these paths."""
    result: Fields = {}
    for path in paths:
        one: Fields = {}
        for step in reversed(path):
            one = {step: one}
        result = fieldsets.union(result, one)
    return result


def paths(fields: Fields) -> set[Path]:
    return set(fieldsets.members(fields))


@given(PATHS, PATHS)
def test_union_difference_and_intersection_are_those_of_sets(one: set[Path], other: set[Path]) -> None:
    mine, theirs = tree(one), tree(other)

    assert paths(mine) == one
    assert paths(fieldsets.union(mine, theirs)) == one | other
    assert paths(fieldsets.difference(mine, theirs)) == one - other
    assert paths(fieldsets.intersection(mine, theirs)) == one & other


@given(PATHS, PATHS)
def test_without_trees_takes_everything_below_along(one: set[Path], other: set[Path]) -> None:
    left = {path for path in one if not any(path[: len(gone)] == gone for gone in other)}

    assert paths(fieldsets.without_trees(tree(one), tree(other))) == left


@given(PATHS)
def test_what_is_written_down_is_read_as_the_same_set(one: set[Path]) -> None:
    assert fieldsets.checked(fieldsets.ordered(tree(one))) == tree(one)
    assert all(fieldsets.has(tree(one), *path) for path in one)


def test_a_path_is_shown_as_kubectl_prints_it() -> None:
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"a"', "i:3")

    assert fieldsets.shown(path) == '.spec[containerPort=80,protocol="TCP"][="a"][3]'


@pytest.mark.parametrize("given", [[], {"spec": {}}, {"k:[]": {}}, {"k:{": {}}, {'i:"x"': {}}, {"f:a": {"b": {}}}])
def test_what_is_no_set_of_fields_is_refused(given) -> None:
    with pytest.raises(ValueError):
        fieldsets.checked(given)
