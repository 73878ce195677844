"""Bodies that kubectl 1.32 and later send as protobuf are the same objects as their JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.kubeapi.protobuf import decoder
from workloads.meta.errors import BadRequest


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3]) + _varint(value % (1 << 64))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    types = _field(1, api_version.encode()) + _field(2, kind.encode())
    return decoder.MAGIC + _field(1, types) + _field(2, raw) + _field(3, b"") + _field(4, b"")


def _deployment(spec: bytes) -> dict:
    return decoder.decode(_envelope("apps/v1", "Deployment", _field(2, spec)))["spec"]


def test_empty_scalars_that_were_never_set_are_absent():
    meta = _field(1, b"web") + _field(2, b"") + _field(5, b"") + _number(7, 0) + _field(8, b"")
    decoded = decoder.decode(_envelope("v1", "Namespace", _field(1, meta)))
    assert decoded == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}


def test_a_zero_that_was_meant_stays():
    assert _deployment(_number(1, 0) + _number(5, 0)) == {"replicas": 0}


def test_maps_lists_and_nested_messages_become_json():
    labels = _field(1, _field(1, b"app") + _field(2, b"web")) + _field(1, _field(1, b"tier") + _field(2, b"x"))
    assert _deployment(_field(2, labels)) == {"selector": {"matchLabels": {"app": "web", "tier": "x"}}}


def test_numbers_or_strings_and_quantities_and_times():
    rolling = _field(1, _number(1, 1) + _field(3, b"25%")) + _field(2, _number(1, 0) + _number(2, 3))
    assert _deployment(_field(4, _field(2, rolling))) == {
        "strategy": {"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 3}}
    }
    limits = _field(1, _field(1, b"cpu") + _field(2, _field(1, b"500m")))
    container = _field(1, b"c") + _field(8, limits)
    pod = decoder.decode(_envelope("v1", "Pod", _field(2, _field(2, container))))
    assert pod["spec"]["containers"] == [{"name": "c", "resources": {"limits": {"cpu": "500m"}}}]
    meta = _field(8, _number(1, 1_700_000_000))
    named = decoder.decode(_envelope("v1", "Pod", _field(1, meta)))
    assert named["metadata"] == {"creationTimestamp": "2023-11-14T22:13:20Z"}


def test_structs_that_go_embeds_are_flat():
    volume = _field(1, b"data") + _field(2, _field(2, b""))
    pod = decoder.decode(_envelope("v1", "Pod", _field(2, _field(1, volume))))
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_negative_numbers_keep_their_sign():
    assert _deployment(_number(1, -2)) == {"replicas": -2}


def test_options_of_a_delete_are_known_in_every_group():
    decoded = decoder.decode(_envelope("apps/v1", "DeleteOptions", _number(1, 0)))
    assert decoded["gracePeriodSeconds"] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "four magic bytes"),
        (decoder.MAGIC, "no protobuf message is known"),
        (_envelope("example.com/v1", "Thing", b""), 'kind "Thing" in version "example.com/v1": send JSON'),
        (_envelope("v1", "Pod", b"\x0a\xff"), "cannot be decoded"),
        (_envelope("v1", "Pod", b"\x0a\x05ab"), "cannot be decoded: it ends in the middle"),
        (decoder.MAGIC + b"\xff" * 30, "longer than 64 bits"),
    ],
)
def test_damaged_bodies_are_refused_with_a_sentence(body, said):
    with pytest.raises(BadRequest, match=said):
        decoder.decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(raw):
    try:
        decoder.decode(_envelope("v1", "Pod", raw))
    except BadRequest as refused:
        assert refused.code == 400
