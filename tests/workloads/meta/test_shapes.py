"""Walking an object by its shape: unknown fields, wrong types, and what a typed decoder leaves."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.meta import shapes
from workloads.meta.shapes import ANY, Field, Shape

TEXT, WHOLE = Shape("string"), Shape("integer", bits=32)
PORT = Shape("object", "Port", fields={"number": Field(WHOLE), "name": Field(TEXT)})
SPEC = Shape(
    "object",
    "ThingSpec",
    fields={
        "size": Field(WHOLE),
        "big": Field(Shape("integer")),
        "name": Field(TEXT),
        "on": Field(Shape("boolean")),
        "ratio": Field(Shape("number")),
        "at": Field(Shape("time", "Time")),
        "blob": Field(Shape("bytes")),
        "amount": Field(Shape("quantity", "Quantity")),
        "step": Field(Shape("int-or-string", "IntOrString")),
        "free": Field(ANY),
        "labels": Field(Shape("map", items=TEXT)),
        "ports": Field(Shape("array", items=PORT)),
        "words": Field(Shape("array", items=TEXT)),
        "anything": Field(Shape("array")),
        "table": Field(Shape("map")),
    },
)
THING = Shape("object", "Thing", fields={"spec": Field(SPEC)})


def thing(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


def test_a_right_object_has_no_findings() -> None:
    obj = thing(
        size=1,
        big=2**40,
        name="a",
        on=True,
        ratio=0.5,
        at="2026-01-01T00:00:00Z",
        blob="aGk=",
        amount="2Gi",
        step="25%",
        free={"x": [1]},
        labels={"a": "b"},
        ports=[{"number": 80}],
        words=["a"],
        anything=[1, "a"],
        table={"a": 1},
    )
    assert shapes.check(obj, THING) == shapes.Findings((), ())


def test_unknown_fields_are_named_by_their_path() -> None:
    obj = {"speck": {}, "spec": {"sizes": 1, "ports": [{"number": 80}, {"numbre": 80}]}}
    assert shapes.check(obj, THING).unknown == ("speck", "spec.sizes", "spec.ports[1].numbre")


@pytest.mark.parametrize(
    ("field", "value", "rule", "go"),
    [
        ("size", "2", "must be an integer of 32 bits", "string into Go struct field ThingSpec.spec.size of type int32"),
        ("size", True, "must be an integer", "bool into Go struct field ThingSpec.spec.size of type int32"),
        ("size", 2**31, "must be an integer of 32 bits", "number into Go struct field"),
        ("size", -(2**31) - 1, "must be an integer of 32 bits", "number into Go struct field"),
        ("size", 1.5, "must be an integer of 32 bits", "number 1.5 into Go struct field"),
        ("big", 2**63, "must be an integer of 64 bits", "of type int64"),
        (
            "name",
            5,
            "must be a string; put it in quotes",
            "number into Go struct field ThingSpec.spec.name of type string",
        ),
        ("on", "yes", "must be true or false", "of type bool"),
        ("ratio", "x", "must be a number", "of type float64"),
        ("at", "today", "must be an RFC 3339 time", "of type v1.Time"),
        ("blob", "a", "must be base64", "of type []uint8"),
        ("blob", "ä", "must be base64", "of type []uint8"),
        ("step", 1.5, "must be an integer or a string", "of type intstr.IntOrString"),
        (
            "labels",
            [],
            "must be an object",
            "Go struct field ThingSpec.spec.labels of type map[string]string",
        ),
        ("ports", {}, "must be a list", "object into Go struct field ThingSpec.spec.ports of type []Port"),
        ("anything", 1, "must be a list", "of type []interface {}"),
        ("table", 1, "must be an object", "of type map[string]interface {}"),
    ],
)
def test_a_wrong_type_names_field_and_rule(field: str, value: Any, rule: str, go: str) -> None:
    (found,) = shapes.check(thing(**{field: value}), THING).mismatches
    assert found.cause.field == f"spec.{field}"
    assert found.cause.reason == "FieldValueTypeInvalid"
    assert rule in found.cause.message
    assert go in found.sentence


def test_a_quantity_says_what_is_wrong_with_it() -> None:
    (found,) = shapes.check(thing(amount="1 Gi"), THING).mismatches
    assert "'1 Gi' is not a quantity" in found.cause.message
    assert found.sentence.startswith("spec.amount: ")


def test_paths_go_into_lists_and_maps() -> None:
    obj = thing(labels={"a": 1}, ports=[{"number": 1}, 5], words=["a", None])
    fields = [found.cause.field for found in shapes.check(obj, THING).mismatches]
    assert fields == ["spec.labels[a]", "spec.ports[1]", "spec.words[1]"]


def test_an_object_where_one_is_due_but_a_list_stands() -> None:
    (found,) = shapes.check({"spec": []}, THING).mismatches
    assert found.sentence == "json: cannot unmarshal array into Go struct field Thing.spec of type ThingSpec"


def test_null_is_as_good_as_absent() -> None:
    assert shapes.check(thing(size=None, labels={"a": None}), THING) == shapes.Findings((), ())


def test_null_in_a_list_is_not() -> None:
    (found,) = shapes.check(thing(ports=[None]), THING).mismatches
    assert "cannot unmarshal null" in found.sentence


def test_pruning_drops_unknown_fields_and_nulls_and_keeps_the_rest() -> None:
    obj = {
        "odd": 1,
        "spec": {
            "size": None,
            "labels": {"a": None, "b": "c"},
            "ports": [{"number": 1, "odd": 1}],
            "free": {"x": None},
            "words": ["a"],
            "anything": [{"x": None}],
            "table": {"a": {"b": None}},
        },
    }
    shapes.prune(obj, THING)
    assert obj == thing(
        labels={"b": "c"},
        ports=[{"number": 1}],
        free={"x": None},
        words=["a"],
        anything=[{"x": None}],
        table={"a": {"b": None}},
    )


@pytest.mark.parametrize("spec", [{}, {"size": 1, "on": True, "labels": {"a": "b"}}, {"ports": [{"number": 1}]}])
def test_what_is_clean_has_nothing_to_find_and_nothing_to_drop(spec: dict[str, Any]) -> None:
    assert shapes.is_clean(thing(**spec), THING)


@pytest.mark.parametrize(
    "spec",
    [{"colour": 1}, {"on": 1}, {"name": None}, {"labels": {"a": None}}, {"ports": [{"size": 1}]}, {"words": [1]}],
)
def test_what_is_not_clean_is_looked_at_closely(spec: dict[str, Any]) -> None:
    assert not shapes.is_clean(thing(**spec), THING)


def test_only_what_is_the_very_same_as_before_counts_as_looked_at() -> None:
    """To Python, 1 is true."""
    before = thing(on=True, name="a", colour="red")

    assert shapes.is_clean(thing(on=True, name="b", colour="red"), THING, before)
    assert not shapes.is_clean(thing(on=1, name="a", colour="red"), THING, before)
    assert not shapes.is_clean(thing(on=True, name="a", colour="blue"), THING, before)
