"""Two changes of one object, put onto each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console import threeway

WORDS = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), WORDS, max_size=3)


@given(OBJECTS, OBJECTS)
def test_a_change_put_onto_what_it_was_made_of_is_the_change(
    before: dict[str, object], after: dict[str, object]
) -> None:
    assert threeway.onto(before, threeway.changed(before, after)) == after


@given(OBJECTS, OBJECTS)
def test_the_same_change_of_two_meets_nowhere(before: dict[str, object], after: dict[str, object]) -> None:
    change = threeway.changed(before, after)
    assert threeway.meeting(change, change) == []


def test_changes_of_different_fields_keep_both() -> None:
    base = {"spec": {"replicas": 2, "paused": False}}
    ours = threeway.changed(base, {"spec": {"replicas": 3, "paused": False}})
    theirs = {"spec": {"replicas": 2, "paused": True}}
    assert threeway.onto(theirs, ours) == {"spec": {"replicas": 3, "paused": True}}
    assert threeway.meeting(ours, threeway.changed(base, theirs)) == []


def test_a_field_that_one_took_away_and_the_other_changed_inside_is_named() -> None:
    base = {"spec": {"strategy": {"type": "Recreate"}}}
    ours = threeway.changed(base, {"spec": {}})
    theirs = threeway.changed(base, {"spec": {"strategy": {"type": "RollingUpdate"}}})
    assert threeway.meeting(ours, theirs) == [("spec", "strategy")]


def test_containers_are_told_apart_by_their_names() -> None:
    base = {"containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}]}
    mine = {"containers": [{"name": "web", "image": "web:2"}, {"name": "log", "image": "log:1"}]}
    now = {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "b"}]}]}
    ours, theirs = threeway.changed(base, mine), threeway.changed(base, now)
    assert [threeway.words(path) for path in ours] == ["containers[name=web].image"]
    assert threeway.meeting(ours, theirs) == []
    merged = threeway.onto(now, ours, mine)
    assert merged == {"containers": [{"name": "web", "image": "web:2", "env": [{"name": "A", "value": "b"}]}]}


def test_a_container_that_the_other_took_away_comes_back_whole() -> None:
    base = {"containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1", "args": ["-v"]}]}
    mine = {"containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:2", "args": ["-v"]}]}
    now = {"containers": [{"name": "web", "image": "web:1"}]}
    ours, theirs = threeway.changed(base, mine), threeway.changed(base, now)
    assert [threeway.words(path) for path in threeway.meeting(ours, theirs)] == ["containers[name=log]"]
    assert threeway.onto(now, ours, mine) == mine


def test_a_list_in_another_order_is_one_field() -> None:
    first, second = {"name": "first"}, {"name": "second"}
    change = threeway.changed({"initContainers": [first]}, {"initContainers": [second, first]})
    assert list(change) == [("initContainers",)]


@given(OBJECTS, OBJECTS)
def test_lists_of_names_are_put_onto_what_they_were_made_of(
    before: dict[str, object], after: dict[str, object]
) -> None:
    """As they were, and in the order of the change."""
    old, new = ({"list": [{"name": key, "is": one} for key, one in found.items()]} for found in (before, after))
    assert threeway.onto(old, threeway.changed(old, new)) == new


def test_a_difference_shows_three_lines_around_a_change() -> None:
    before = "\n".join(str(number) for number in range(20))
    lines = threeway.difference(before, before.replace("10", "ten"))
    assert [line.text for line in lines] == ["7", "8", "9", "10", "ten", "11", "12", "13"]
    assert [line.sign for line in lines[3:5]] == ["-", "+"]


def test_no_difference_has_no_lines() -> None:
    assert threeway.difference("a\nb", "a\nb") == []


def test_a_difference_does_not_speak_of_order() -> None:
    model, found = {"a": 1, "b": [{"c": 2, "d": 3}]}, {"e": 4, "b": [{"d": 3, "c": 5}], "a": 1}
    ordered = threeway.ordered_as(model, found)
    assert list(ordered) == ["a", "b", "e"]
    assert list(ordered["b"][0].items()) == [("c", 5), ("d", 3)]
