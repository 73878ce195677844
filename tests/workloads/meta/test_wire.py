"""The promise between `dump` and the store: one order, and a resourceVersion that can be put in without parsing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import wire

texts = st.text(max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.fixed_dictionaries(
    {"kind": texts, "metadata": st.dictionaries(texts, values, max_size=4), "apiVersion": texts},
    optional={"spec": values, "status": values, "data": values},
)


def test_type_and_metadata_come_first_and_resource_version_first_in_it() -> None:
    data = wire.dump({"spec": {}, "metadata": {"name": "a", "resourceVersion": "9"}, "kind": "Pod", "apiVersion": "v1"})
    assert data == b'{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"0","name":"a"},"spec":{}}'


def test_equal_objects_of_other_revisions_have_equal_bytes() -> None:
    one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "resourceVersion": "1"}}
    two = {"apiVersion": "v1", "kind": "Pod", "metadata": {"resourceVersion": "2", "name": "a"}}
    assert wire.dump(one) == wire.dump(two)


@given(objects, st.integers(1, 2**62))
def test_a_stamped_object_is_the_object_at_that_revision(obj: wire.JSON, revision: int) -> None:
    again = wire.load(wire.stamp(wire.dump(obj), revision))
    assert again == {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}


def test_the_mark_in_a_value_is_left_alone() -> None:
    trap = '"metadata":{"resourceVersion":"0"'
    data = wire.dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"a": trap}})
    assert wire.load(wire.stamp(data, 7))["metadata"] == {"resourceVersion": "7", "a": trap}


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b"{", b""])
def test_bytes_that_are_no_object_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        wire.load(data)
