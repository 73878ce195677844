"""Bodies that kubectl 1.32 and later send as protobuf are the same objects as their JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.kubeapi.protobuf import envelope, field, number
from workloads.kubeapi.protobuf import decoder
from workloads.meta.errors import BadRequest


def _deployment(spec: bytes) -> dict:
    return decoder.decode(envelope("apps/v1", "Deployment", field(2, spec)))["spec"]


def test_empty_scalars_that_were_never_set_are_absent():
    meta = field(1, b"web") + field(2, b"") + field(5, b"") + number(7, 0) + field(8, b"")
    decoded = decoder.decode(envelope("v1", "Namespace", field(1, meta)))
    assert decoded == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}


def test_a_zero_that_was_meant_stays():
    assert _deployment(number(1, 0) + number(5, 0)) == {"replicas": 0}


def test_maps_lists_and_nested_messages_become_json():
    labels = field(1, field(1, b"app") + field(2, b"web")) + field(1, field(1, b"tier") + field(2, b"x"))
    assert _deployment(field(2, labels)) == {"selector": {"matchLabels": {"app": "web", "tier": "x"}}}


def test_numbers_or_strings_and_quantities_and_times():
    rolling = field(1, number(1, 1) + field(3, b"25%")) + field(2, number(1, 0) + number(2, 3))
    assert _deployment(field(4, field(2, rolling))) == {
        "strategy": {"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 3}}
    }
    limits = field(1, field(1, b"cpu") + field(2, field(1, b"500m")))
    container = field(1, b"c") + field(8, limits)
    pod = decoder.decode(envelope("v1", "Pod", field(2, field(2, container))))
    assert pod["spec"]["containers"] == [{"name": "c", "resources": {"limits": {"cpu": "500m"}}}]
    meta = field(8, number(1, 1_700_000_000))
    named = decoder.decode(envelope("v1", "Pod", field(1, meta)))
    assert named["metadata"] == {"creationTimestamp": "2023-11-14T22:13:20Z"}


def test_structs_that_go_embeds_are_flat():
    volume = field(1, b"data") + field(2, field(2, b""))
    pod = decoder.decode(envelope("v1", "Pod", field(2, field(1, volume))))
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_negative_numbers_keep_their_sign():
    assert _deployment(number(1, -2)) == {"replicas": -2}


def test_options_of_a_delete_are_known_in_every_group():
    decoded = decoder.decode(envelope("apps/v1", "DeleteOptions", number(1, 0)))
    assert decoded["gracePeriodSeconds"] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "four magic bytes"),
        (decoder.MAGIC, "no protobuf message is known"),
        (envelope("example.com/v1", "Thing", b""), 'kind "Thing" in version "example.com/v1": send JSON'),
        (envelope("v1", "Pod", b"\x0a\xff"), "cannot be decoded"),
        (envelope("v1", "Pod", b"\x0a\x05ab"), "cannot be decoded: it ends in the middle"),
        (decoder.MAGIC + b"\xff" * 30, "longer than 64 bits"),
    ],
)
def test_damaged_bodies_are_refused_with_a_sentence(body, said):
    with pytest.raises(BadRequest, match=said):
        decoder.decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(raw):
    try:
        decoder.decode(envelope("v1", "Pod", raw))
    except BadRequest as refused:
        assert refused.code == 400
