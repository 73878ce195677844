"""The three patch types, with upstream's directives and upstream's refusals."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import patches
from workloads.meta.errors import BadRequest, Invalid, StatusError, TooLarge, UnsupportedMediaType
from workloads.meta.shapes import ANY, Field, Shape

MERGE = frozenset({"merge"})
TEXT = Shape("string")
PORT = Shape("object", "Port", fields={"containerPort": Field(Shape("integer")), "protocol": Field(TEXT)})
CONTAINER = Shape(
    "object",
    "Container",
    fields={
        "name": Field(TEXT),
        "image": Field(TEXT),
        "ports": Field(Shape("array", items=PORT), MERGE, "containerPort"),
        "args": Field(Shape("array", items=TEXT)),
        "env": Field(Shape("map", items=TEXT)),
    },
)
STRATEGY = Shape("object", "Strategy", fields={"type": Field(TEXT), "rollingUpdate": Field(ANY)})
SHAPE = Shape(
    "object",
    "Thing",
    fields={
        "containers": Field(Shape("array", items=CONTAINER), MERGE, "name"),
        "finalizers": Field(Shape("array", items=TEXT), MERGE),
        "tolerations": Field(Shape("array", items=ANY)),
        "strategy": Field(STRATEGY, frozenset({"retainKeys"})),
        "whole": Field(Shape("object", "Whole", fields={"a": Field(TEXT)}), frozenset({"replace"})),
        "loose": Field(Shape("array", items=ANY), MERGE),
        "labels": Field(Shape("map", items=TEXT)),
    },
)


def strategic(obj: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    before, given_patch = copy.deepcopy(obj), copy.deepcopy(patch)
    result = patches.apply(obj, patch, patches.STRATEGIC, shape=SHAPE)
    assert (obj, patch) == (before, given_patch), "neither the object nor the patch is changed"
    return result


def c(name: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, **rest}


# --- strategic merge ----------------------------------------------------------------------------------------------


def test_lists_with_a_merge_key_merge_element_by_element() -> None:
    obj = {"containers": [c("a", image="x"), c("b", image="y")]}
    patched = strategic(obj, {"containers": [c("b", image="z"), c("d", image="w")]})
    assert patched == {"containers": [c("a", image="x"), c("b", image="z"), c("d", image="w")]}


def test_merging_goes_down() -> None:
    obj = {"containers": [c("a", ports=[{"containerPort": 80}], env={"A": "1", "B": "2"}, args=["x"])]}
    patch = {"containers": [c("a", ports=[{"containerPort": 81}], env={"A": None}, args=["y", "z"])]}
    assert strategic(obj, patch) == {
        "containers": [c("a", ports=[{"containerPort": 80}, {"containerPort": 81}], env={"B": "2"}, args=["y", "z"])]
    }


def test_lists_without_a_strategy_are_replaced() -> None:
    patch = {"tolerations": [{"key": "b"}]}
    assert strategic({"tolerations": [{"key": "a"}]}, patch) == patch


def test_lists_of_scalars_merge_as_a_set() -> None:
    assert strategic({"finalizers": ["a", "b"]}, {"finalizers": ["b", "c"]}) == {"finalizers": ["a", "b", "c"]}


def test_null_removes_and_what_is_not_there_stays_away() -> None:
    assert strategic({"labels": {"a": "1"}, "x": 1}, {"x": None, "y": None, "labels": {"a": None}}) == {"labels": {}}


def test_a_scalar_replaces_whatever_stood_there() -> None:
    assert strategic({"labels": {"a": "1"}}, {"labels": "x"}) == {"labels": "x"}
    assert strategic({"labels": "x"}, {"labels": {"a": "1"}}) == {"labels": {"a": "1"}}
    assert strategic({"containers": "x"}, {"containers": [c("a")]}) == {"containers": [c("a")]}


def test_patch_delete_takes_an_element_away() -> None:
    obj = {"containers": [c("a"), c("b")]}
    assert strategic(obj, {"containers": [{"$patch": "delete", "name": "a"}]}) == {"containers": [c("b")]}


def test_patch_replace_in_a_list_replaces_the_list() -> None:
    patch = {"containers": [{"$patch": "replace"}, c("z", image=None)]}
    assert strategic({"containers": [c("a"), c("b")]}, patch) == {"containers": [c("z")]}


def test_patch_replace_on_an_object_replaces_it() -> None:
    obj = {"labels": {"a": "1", "b": "2"}}
    assert strategic(obj, {"labels": {"$patch": "replace", "c": "3", "d": None}}) == {"labels": {"c": "3"}}


def test_patch_delete_on_an_object_removes_it() -> None:
    assert strategic({"labels": {"a": "1"}, "x": 1}, {"labels": {"$patch": "delete"}}) == {"x": 1}


def test_patch_merge_is_what_happens_anyway() -> None:
    obj = {"labels": {"a": "1"}, "containers": [c("a", image="x")]}
    patch = {
        "labels": {"$patch": "merge", "b": "2"},
        "containers": [{"$patch": "merge", "name": "a", "image": "y"}],
    }
    assert strategic(obj, patch) == {"labels": {"a": "1", "b": "2"}, "containers": [c("a", image="y")]}


def test_a_field_with_strategy_replace_is_replaced() -> None:
    assert strategic({"whole": {"a": "1", "b": "2"}}, {"whole": {"c": "3"}}) == {"whole": {"c": "3"}}


def test_retain_keys_drops_the_others() -> None:
    obj = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic(obj, patch) == {"strategy": {"type": "Recreate"}}


def test_primitives_are_deleted_from_a_list() -> None:
    gone = {"$deleteFromPrimitiveList/finalizers": ["a", "x"]}
    patch = {**gone, "finalizers": ["c"], "$setElementOrder/finalizers": ["c"]}
    assert strategic({"finalizers": ["a", "b"]}, patch) == {"finalizers": ["c", "b"]}
    assert strategic({}, gone) == {}


def test_set_element_order_puts_the_named_in_order_and_keeps_others_where_they_were() -> None:
    obj = {"containers": [c("side"), c("a"), c("b")]}
    patch = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}, {"name": "n"}], "containers": [c("n")]}
    assert [each["name"] for each in strategic(obj, patch)["containers"]] == ["side", "b", "a", "n"]


def test_set_element_order_of_scalars() -> None:
    patch = {"$setElementOrder/finalizers": ["b", "a"]}
    assert strategic({"finalizers": ["a", "b", "z"]}, patch) == {"finalizers": ["b", "a", "z"]}


def test_set_element_order_of_what_is_not_there_does_nothing() -> None:
    assert strategic({}, {"$setElementOrder/containers": []}) == {}


def test_kubectl_set_image_sends_exactly_this() -> None:
    obj = {"containers": [c("c", image="busybox:1.36", args=["sleep"])]}
    patch = {"$setElementOrder/containers": [{"name": "c"}], "containers": [c("c", image="busybox:1.37")]}
    assert strategic(obj, patch) == {"containers": [c("c", image="busybox:1.37", args=["sleep"])]}


def test_directives_in_what_is_new_are_carried_out_not_stored() -> None:
    patch = {"containers": [c("a", env={"$retainKeys": ["A"], "A": "1"}), {"$patch": "delete", "name": "b"}]}
    assert strategic({}, patch) == {"containers": [c("a", env={"A": "1"})]}


def test_unknown_fields_merge_like_plain_json() -> None:
    obj = {"odd": {"a": 1, "l": [1]}}
    assert strategic(obj, {"odd": {"b": 2, "l": [2]}}) == {"odd": {"a": 1, "b": 2, "l": [2]}}


def test_keys_that_are_no_scalars_compare_by_value() -> None:
    obj = {"containers": [c("a"), {"name": {"x": 1}, "image": "y"}]}
    assert strategic(obj, {"containers": [{"name": {"x": 1}, "image": "z"}]})["containers"][1]["image"] == "z"


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"labels": {"$patch": "purge"}}, "unknown patch type"),
        ({"containers": [{"name": "a", "$patch": "purge"}]}, "unknown patch type"),
        ({"containers": [{"image": "x"}]}, "does not contain declared merge key: name"),
        ({"containers": [{"$patch": "delete"}]}, "does not contain declared merge key: name"),
        ({"containers": ["x"]}, "cannot be merged with values that are not objects"),
        ({"loose": [{"a": 1}]}, "cannot merge lists without merge key for loose"),
        ({"labels": {"$retainKeys": "a"}}, "invalid patch format of retainKeys"),
        ({"$setElementOrder/containers": 1}, "invalid patch format of setElementOrder list"),
        ({"$deleteFromPrimitiveList/args": 1}, "invalid patch format of primitive list"),
        ({"$deleteFromPrimitiveList/finalizers": 1}, "must be a list"),
        ({"$setElementOrder/containers": [{"name": "b"}], "containers": [c("a")]}, "The order in patch list"),
        (
            {"$setElementOrder/containers": [c("b"), c("a")], "containers": [c("a"), c("b")]},
            "doesn't match \\$setElementOrder/containers list",
        ),
        ({"$unheardOf": 1}, "unknown directive"),
        ([], "must be a JSON object"),
    ],
)
def test_a_malformed_patch_is_refused(patch: Any, sentence: str) -> None:
    obj = {"containers": [c("a")], "loose": [{"a": 1}], "finalizers": ["a"], "labels": {"a": "1"}}
    with pytest.raises(BadRequest, match=sentence):
        patches.apply(obj, patch, patches.STRATEGIC, shape=SHAPE)


def test_long_lists_merge_in_bounded_time() -> None:
    many = [c(f"c{index}") for index in range(20_000)]
    patch = {"$setElementOrder/containers": many, "containers": many, "finalizers": [str(n) for n in range(20_000)]}
    assert len(strategic({"containers": many[::-1]}, patch)["containers"]) == 20_000


names = st.sampled_from(("a", "b", "d", "e"))
containers = st.lists(
    st.builds(
        lambda name, image, ports: c(name, image=image, ports=[{"containerPort": port} for port in ports]),
        names,
        st.sampled_from(("x", "y")),
        st.lists(st.integers(1, 4), unique=True, max_size=3),
    ),
    unique_by=lambda each: each["name"],
    max_size=4,
)
label_maps = st.dictionaries(names, st.text(max_size=3), max_size=3)
things = st.fixed_dictionaries(
    {}, optional={"containers": containers, "labels": label_maps, "finalizers": st.lists(names, unique=True)}
)
thing_patches = st.fixed_dictionaries(
    {},
    optional={
        "containers": containers
        | st.lists(st.builds(lambda name: {"name": name, "$patch": "delete"}, names), max_size=2),
        "labels": st.dictionaries(names, st.none() | st.text(max_size=3), max_size=3),
        "finalizers": st.lists(names, unique=True),
        "$deleteFromPrimitiveList/finalizers": st.just(["zz"]),
    },
)


@given(things, thing_patches)
def test_applying_a_strategic_patch_again_changes_nothing(obj: dict[str, Any], patch: dict[str, Any]) -> None:
    once = patches.apply(obj, patch, patches.STRATEGIC, shape=SHAPE)
    assert patches.apply(once, patch, patches.STRATEGIC, shape=SHAPE) == once


@given(things, containers)
def test_a_patched_list_has_what_the_patch_says_in_the_order_it_says(
    obj: dict[str, Any], wanted: list[dict[str, Any]]
) -> None:
    patch = {"containers": wanted, "$setElementOrder/containers": [{"name": each["name"]} for each in wanted]}
    result = patches.apply(obj, patch, patches.STRATEGIC, shape=SHAPE).get("containers", [])
    listed = [each["name"] for each in wanted]
    assert [each["name"] for each in result if each["name"] in listed] == listed
    assert {each["name"] for each in obj.get("containers", [])} <= {each["name"] for each in result}


@given(things)
def test_an_empty_patch_changes_nothing(obj: dict[str, Any]) -> None:
    assert patches.apply(obj, {}, patches.STRATEGIC, shape=SHAPE) == obj
    assert patches.apply(obj, {}, patches.MERGE) == obj
    assert patches.apply(obj, [], patches.JSON_PATCH) == obj


# --- merge patch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("obj", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_follows_the_rfc(obj: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    assert patches.apply(obj, patch, patches.MERGE) == result


def test_a_merge_patch_leaves_the_object_alone() -> None:
    obj = {"a": {"b": 1}}
    patches.apply(obj, {"a": {"b": 2}}, patches.MERGE)
    assert obj == {"a": {"b": 1}}


def test_a_merge_patch_must_be_an_object() -> None:
    with pytest.raises(BadRequest, match="must be a JSON object"):
        patches.apply({}, [1], patches.MERGE)


# --- JSON patch ---------------------------------------------------------------------------------------------------


def json_patch(obj: dict[str, Any], *operations: Any) -> dict[str, Any]:
    return patches.apply(obj, list(operations), patches.JSON_PATCH)


def test_a_json_patch_applies_in_order_and_leaves_the_object_alone() -> None:
    obj = {"spec": {"replicas": 1, "list": [1, 2]}}
    patched = json_patch(
        obj,
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
        {"op": "add", "path": "/spec/list/-", "value": 3},
        {"op": "copy", "from": "/spec/list", "path": "/copied"},
        {"op": "move", "from": "/spec/list", "path": "/moved"},
        {"op": "remove", "path": "/spec/replicas"},
        {"op": "add", "path": "/a~1b", "value": 1},
    )
    assert patched == {"spec": {}, "copied": [1, 2, 3], "moved": [1, 2, 3], "a/b": 1}
    assert obj == {"spec": {"replicas": 1, "list": [1, 2]}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/l/7", "value": 1},
        {"op": "add", "path": "/l/x", "value": 1},
        {"op": "copy", "from": "/missing", "path": "/b"},
        {"op": "move", "from": "/l", "path": "/l/0"},
        {"op": "remove", "path": "/a~2"},
    ],
)
def test_an_operation_that_does_not_apply_is_invalid_and_named(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="the server rejected our request") as caught:
        json_patch({"a": 1, "l": [1]}, {"op": "test", "path": "/a", "value": 1}, operation)
    assert caught.value.causes[0].field == "patch[1]"


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (5, "operation 0 of the JSON patch must be an object"),
        ({"op": "swap", "path": "/a"}, "must be one of add, remove, replace, move, copy, test"),
        ({"path": "/a"}, "has op null"),
        ({"op": "add", "path": "/a"}, "needs a value"),
        ({"op": "remove"}, "needs a path"),
        ({"op": "remove", "path": "a"}, "needs a path that starts with /"),
        ({"op": "copy", "path": "/a"}, "needs a from"),
        ({"op": "replace", "path": "", "value": []}, "not an object in the object's place"),
    ],
)
def test_a_malformed_operation_is_a_bad_request(operation: Any, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        json_patch({"a": 1}, operation)


def test_a_json_patch_must_be_a_list() -> None:
    with pytest.raises(BadRequest, match="must be a list of operations"):
        patches.apply({}, {"op": "add"}, patches.JSON_PATCH)


def test_too_many_operations_are_refused() -> None:
    with pytest.raises(TooLarge, match="is 10000, got 10001"):
        json_patch({}, *[{"op": "test", "path": "", "value": {}}] * 10_001)


def test_copies_cannot_grow_without_bounds() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{index}"} for index in range(40)]
    with pytest.raises(TooLarge, match="copy operations"):
        json_patch({"a": {"x": "y" * 1000}}, *doubling)


# --- all ----------------------------------------------------------------------------------------------------------


def test_an_unknown_patch_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnsupportedMediaType, match="application/strategic-merge-patch"):
        patches.apply({}, {}, "text/plain")


@pytest.mark.parametrize("patch_type", [patches.MERGE, patches.STRATEGIC])
def test_deep_nesting_is_refused(patch_type: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(BadRequest, match="nested too deeply"):
        patches.apply({"a": {}}, deep, patch_type, shape=SHAPE)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(("a", "$patch", "replace", "delete")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("a", "name", "containers", "labels", "finalizers", "$patch", "$retainKeys"))
            | st.sampled_from(
                ("$setElementOrder/containers", "$setElementOrder/finalizers", "$deleteFromPrimitiveList/a")
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(things, anything, st.sampled_from((patches.MERGE, patches.STRATEGIC, patches.JSON_PATCH)))
def test_any_patch_gives_an_object_or_an_answer(obj: dict[str, Any], patch: Any, patch_type: str) -> None:
    try:
        assert isinstance(patches.apply(obj, patch, patch_type, shape=SHAPE), dict)
    except StatusError as error:
        assert error.code in (400, 413, 422)


def test_a_field_that_is_set_and_not_retained_is_invalid_in_upstreams_words() -> None:
    patch = {"labels": {"$retainKeys": ["a"], "b": "1"}}
    with pytest.raises(Invalid, match="patch content doesn't match retainKeys list"):
        patches.apply({"labels": {"a": "1"}}, patch, patches.STRATEGIC, shape=SHAPE)
