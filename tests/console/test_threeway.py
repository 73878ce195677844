"""Two changes of one object, put onto each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import threeway
from console.meetings import Meeting

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


@pytest.mark.parametrize(
    ("base", "mine", "theirs"),
    [
        pytest.param([{"port": 80}], [{"port": 81}], [{"port": 82}], id="both changed the port"),
        pytest.param([{"containerPort": 80}], [{"containerPort": 81}], [{"containerPort": 82}], id="in a container"),
        pytest.param(
            [{"name": "A", "value": "1"}], [{"name": "B", "value": "1"}], [{"name": "C", "value": "1"}], id="name"
        ),
        pytest.param(
            [{"name": "A", "value": "1"}], [{"name": "B", "value": "1"}], [{"name": "A", "value": "2"}], id="value"
        ),
        pytest.param(
            [{"port": 80}, {"port": 1}], [{"port": 81}, {"port": 1}], [{"port": 82}, {"port": 1}], id="in place"
        ),
        pytest.param([{"port": 80}, {"port": 1}], [{"port": 80}, {"port": 2}], [{"port": 80}], id="taken away"),
        pytest.param(
            [{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/b"}],
            [{"name": "data", "mountPath": "/c"}],
            [{"name": "data", "mountPath": "/b"}, {"name": "data", "mountPath": "/d"}],
            id="keys differ",
        ),
    ],
)
def test_an_item_that_one_renamed_and_the_other_touched_makes_the_list_one_field(
    base: Any, mine: Any, theirs: Any
) -> None:
    for ours, others in ((mine, theirs), (theirs, mine)):
        met = Meeting({"list": base}, {"list": ours}, {"list": others})
        (choice,) = met.choices(met.merged)
        assert choice.field == "list"
        for go, taken in (("mine-0", ours), ("theirs-0", others)):
            assert met.chosen(met.merged, go) == {"list": taken}


def test_different_items_that_both_added_meet_nowhere() -> None:
    base = {"env": [{"name": "A", "value": "1"}]}
    mine = {"env": [*base["env"], {"name": "B", "value": "2"}]}
    theirs = {"env": [*base["env"], {"name": "C", "value": "3"}]}
    met = Meeting(base, mine, theirs)
    assert met.choices(met.merged) == []
    assert [one["name"] for one in met.merged["env"]] == ["A", "C", "B"]


def test_what_one_renamed_and_the_other_left_alone_meets_nowhere() -> None:
    base, mine = {"ports": [{"port": 1}, {"port": 80}]}, {"ports": [{"port": 1}, {"port": 81}]}
    met = Meeting(base, mine, {"ports": [{"port": 1}, {"port": 80}, {"port": 443}]})
    assert met.choices(met.merged) == []
    assert [one["port"] for one in met.merged["ports"]] == [1, 443, 81]


def test_both_changes_are_told_by_a_key_that_holds_for_every_version() -> None:
    """By its name a volume that is mounted once, by its path one that somebody mounts twice."""
    mount = {"name": "data", "mountPath": "/a"}
    met = Meeting(
        {"mounts": [mount]},
        {"mounts": [{**mount, "readOnly": True}]},
        {"mounts": [mount, {"name": "data", "mountPath": "/b"}]},
    )
    assert met.choices(met.merged) == []
    assert met.merged == {"mounts": [{**mount, "readOnly": True}, {"name": "data", "mountPath": "/b"}]}


MOUNTS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("ab"), "mountPath": st.sampled_from(["/a", "/b", "/c"])}),
    max_size=3,
    unique_by=lambda one: one["mountPath"],
)


@given(MOUNTS, MOUNTS, MOUNTS)
def test_where_nobody_has_to_choose_it_does_not_matter_who_was_first(
    base: list[Any], mine: list[Any], theirs: list[Any]
) -> None:
    first = Meeting({"mounts": base}, {"mounts": mine}, {"mounts": theirs})
    second = Meeting({"mounts": base}, {"mounts": theirs}, {"mounts": mine})
    assert len(first.choices({})) == len(second.choices({}))
    if not first.choices({}):
        merged = [sorted(sorted(one.items()) for one in met.merged["mounts"]) for met in (first, second)]
        assert merged[0] == merged[1]


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
