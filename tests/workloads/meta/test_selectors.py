"""Selectors: what kubectl's `-l` and `--field-selector` and the API's selector objects mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import selectors
from workloads.meta.selectors import Requirement, Selector, SelectorError

LABELS = {"app": "web", "tier": "front", "count": "5", "empty": ""}

keys = st.sampled_from(("app", "tier", "example.com/x", "in"))
words = st.sampled_from(("web", "db", "a.b", "1", ""))
requirements = st.one_of(
    st.builds(Requirement, keys, st.sampled_from(("in", "notin")), st.frozensets(words, min_size=1, max_size=3)),
    st.builds(Requirement, keys, st.sampled_from(("exists", "!"))),
    st.builds(Requirement, keys, st.sampled_from(("gt", "lt")), st.just(frozenset({"3"}))),
)
label_sets = st.dictionaries(keys, words, max_size=4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "app=web",
        "app==web",
        " app = web , tier != back ",
        "app in (web,db)",
        "app in ( web , db )",
        "app notin (db)",
        "app",
        "!missing",
        "! missing",
        "missing!=x",
        "missing notin (x)",
        "count>4,count<6",
        "empty=",
        "empty in (,x)",
    ],
)
def test_a_selector_that_matches(text: str) -> None:
    assert selectors.parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    ["app=db", "app!=web", "app in (db)", "app notin (web)", "missing", "!app", "count>5", "app>1", "none<1", "app="],
)
def test_a_selector_that_does_not_match(text: str) -> None:
    assert not selectors.parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "a,",
        ",a",
        "a b",
        "a in b",
        "a in (b",
        "a in b)",
        "a),b",
        "a in (b c)",
        "a in (b=c)",
        "=a",
        "a=b=c",
        "!",
        "!a=b",
        "a in",
        "(a)",
    ],
)
def test_what_is_no_selector_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(SelectorError, match=r"unable to parse requirement: .* is none of key, !key, key=value"):
        selectors.parse(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-a=b", "name part must consist of"),
        ("a=-b", "a valid label must be an empty string"),
        ("a>b", "the value must be an integer"),
        ("a" * 70_000, "at most 65536 characters"),
    ],
)
def test_wrong_keys_and_values_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(SelectorError, match=sentence):
        selectors.parse(text)


@given(st.lists(requirements, max_size=4).map(lambda found: Selector(tuple(found))))
def test_a_selector_reads_back_what_it_writes(selector: Selector) -> None:
    assert selectors.parse(str(selector)) == selector


@given(label_sets, st.lists(requirements, max_size=4))
def test_all_requirements_must_hold(labels: dict[str, str], found: list[Requirement]) -> None:
    assert Selector(tuple(found)).matches(labels) == all(Selector((each,)).matches(labels) for each in found)


@given(label_sets, keys, st.frozensets(words, min_size=1))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, values: frozenset[str]) -> None:
    assert Requirement(key, "in", values).matches(labels) is not Requirement(key, "notin", values).matches(labels)


@given(st.text(max_size=30))
def test_any_text_is_a_selector_or_a_sentence(text: str) -> None:
    try:
        selectors.parse(text)
    except SelectorError as error:
        assert str(error).startswith("unable to parse requirement")


def test_an_object_selects_by_labels_and_expressions_together() -> None:
    selector = selectors.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "back"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector is not None
    assert str(selector) == "app=web,tier in (back,front),!old"
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "old": ""})


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert selectors.from_object(None) is None
    everything = selectors.from_object({})
    assert everything is not None
    assert not everything
    assert everything.matches({})


def test_a_wrong_object_names_field_and_rule() -> None:
    found = selectors.validate_object(
        {
            "matchLabels": {"-a": "b c"},
            "matchExpressions": [
                {"key": "a", "operator": "Is"},
                {"key": "a", "operator": "In"},
                {"key": "a", "operator": "Exists", "values": ["b"]},
                {"key": "a", "operator": "NotIn", "values": ["-"]},
            ],
        },
        "spec.selector",
    )
    assert [(cause.field, cause.reason) for cause in found] == [
        ("spec.selector.matchLabels", "FieldValueInvalid"),
        ("spec.selector.matchLabels", "FieldValueInvalid"),
        ("spec.selector.matchExpressions[0].operator", "FieldValueNotSupported"),
        ("spec.selector.matchExpressions[1].values", "FieldValueRequired"),
        ("spec.selector.matchExpressions[2].values", "FieldValueForbidden"),
        ("spec.selector.matchExpressions[3].values[0]", "FieldValueInvalid"),
    ]


def test_a_right_object_has_nothing_wrong() -> None:
    assert selectors.validate_object({"matchLabels": {"a": "b"}}, "spec.selector") == []


FIELDS = ("metadata.name", "status.phase")


def test_field_selectors_compare_and_join() -> None:
    selector = selectors.parse_fields("status.phase!=Running, metadata.name==web", FIELDS)
    assert selector.matches({"status.phase": "Failed", "metadata.name": "web"}.__getitem__)
    assert not selector.matches({"status.phase": "Running", "metadata.name": "web"}.__getitem__)
    assert selector.exact("metadata.name") == "web"
    assert selector.exact("status.phase") is None
    assert selector


def test_an_empty_field_selector_matches_everything() -> None:
    assert not selectors.parse_fields("", FIELDS)
    assert selectors.parse_fields(" , ", FIELDS).matches(lambda field: "x")


def test_a_backslash_escapes_in_field_values() -> None:
    assert selectors.parse_fields(r"metadata.name=a\,b\=c\\d", FIELDS).exact("metadata.name") == r"a,b=c\d"


@pytest.mark.parametrize("text", ["metadata.name", "=x", r"metadata.name=\x", "metadata.name=a=b", "metadata.name=a\\"])
def test_what_is_no_field_selector_is_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="invalid field selector"):
        selectors.parse_fields(text, FIELDS)


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SelectorError, match=r"field label not supported: spec\.x; supported are: metadata\.name"):
        selectors.parse_fields("spec.x=1", FIELDS)
