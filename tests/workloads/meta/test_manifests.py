"""Text from strangers becomes manifests, or a sentence that names the place, in bounded time and memory."""

from __future__ import annotations

import pytest

from workloads.meta import manifests
from workloads.meta.manifests import ManifestError

_BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 10)}]\n" for level in range(9)
)


def test_yaml_is_read_as_kubernetes_reads_it():
    text = "date: 2020-01-01\nyes: on\n1: one\noctal: 0644\nclock: 1:30\nquoted: !!str 5\nnothing:\nratio: 1.5\n"
    assert manifests.parse_yaml(text).value == {
        "date": "2020-01-01",
        "true": True,
        "1": "one",
        "octal": 420,
        "clock": "1:30",
        "quoted": "5",
        "nothing": None,
        "ratio": 1.5,
    }


def test_aliases_and_merge_keys_are_followed():
    text = "base: &base {cpu: 1, memory: 2}\nmore: {<<: *base, memory: 4}\nsame: *base\n"
    value = manifests.parse_yaml(text).value
    assert value["more"] == {"cpu": 1, "memory": 4}
    assert value["same"] == {"cpu": 1, "memory": 2}


def test_documents_know_the_line_they_begin_on():
    documents = list(manifests.parse_yaml_documents("# first\na: 1\n---\n---\nb: 2\n"))
    assert [(document.value, document.line) for document in documents] == [({"a": 1}, 2), ({"b": 2}, 5)]


@pytest.mark.parametrize("parse", [manifests.parse_yaml, lambda text: manifests.parse_json(text, find_duplicates=True)])
def test_keys_that_stand_twice_are_named_by_path(parse):
    document = parse(b'{"spec": {"a": [{"x": 1, "x": 2}], "b": 1}, "spec": {"b": 2}}')
    assert document.duplicates == ("spec.a[0].x", "spec")
    assert document.value == {"spec": {"b": 2}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2\nb: c", "line 2, column 2"),
        ("\tfoo: bar", "line 1, column 1"),
        ("a: .inf", "not a JSON number at line 1, column 4|not a float at line 1, column 4"),
        ("a: !!python/object:os.system x", "tag .* is not supported at line 1, column 4"),
        ("? [a]\n: b", "a key must be a string at line 1, column 3"),
        ("a: 1\n---\nb: 2", "another one at line 3"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("<<: 3", "<< takes a mapping"),
        ("&a [*a]", "nested deeper than 100 levels"),
        ("[" * 1_000_000, "nested deeper than 100 levels"),
        ("? " * 100_000, "nested deeper than 100 levels"),
        (_BOMB, "more than 200000 values after its aliases are followed"),
        ("a: b\n" * 300_000, "more than 200000 values"),
        ("a: 1\n---\n" * 10_000, "more than 500 documents"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_yaml_is_refused_with_its_place(text, said):
    with pytest.raises(ManifestError, match=said):
        manifests.parse_yaml(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1,', "line 1 column 9"),
        (b"[" * 1_000_000, "depth limit"),
        (b"[" * 101 + b"]" * 101, "nested deeper than 100 levels"),
        (b'{"a": NaN}', "line 1 column 7"),
        (b'{"a": "\xff"}', "invalid JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_json_is_refused_with_its_place(text, said):
    with pytest.raises(ManifestError, match=said):
        manifests.parse_json(text)


def test_a_number_too_large_for_json_integers_is_a_float():
    assert manifests.parse_yaml("a: 99999999999999999999999").value == {"a": 1e23}


@pytest.mark.parametrize("text", [b'{"a":1}', b'{"a": [{"b": 1}, {"b": 2}]}', b'{"a":"\\u0062"}\n', b'{"a":1e2}'])
def test_what_stands_once_is_no_duplicate_however_it_is_written(text: bytes) -> None:
    assert manifests.parse_json(text, find_duplicates=True).duplicates == ()


def test_a_key_that_stands_twice_with_the_same_value_is_found() -> None:
    assert manifests.parse_json(b'{"a":{"b":1,"b":1}}', find_duplicates=True).duplicates == ("a.b",)
