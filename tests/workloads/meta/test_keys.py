"""A key is four words, and the same as text."""

from __future__ import annotations

import pytest

from workloads.meta.keys import Key


@pytest.mark.parametrize("key", [Key("acme", "Pod", "shop", "web-0"), Key("acme", "Namespace", "", "shop")])
def test_a_key_reads_back_what_it_writes(key: Key) -> None:
    assert Key.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a/b/c", "a/b/c/d/e"])
def test_text_of_other_than_four_parts_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        Key.parse(text)
