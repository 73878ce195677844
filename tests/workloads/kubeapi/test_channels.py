"""Several streams in one WebSocket, as Kubernetes' channel protocols have them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.kubeapi.streaming import channels
from workloads.kubeapi.streaming.channels import PROTOCOLS, STDIN, STDOUT, V5, Received

V4, BASE64 = "v4.channel.k8s.io", "v4.base64.channel.k8s.io"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(channel=st.integers(0, 9), data=st.binary(min_size=1))
def test_what_is_encoded_is_decoded_as_it_was(protocol: str, channel: int, data: bytes) -> None:
    codec = channels.channels(protocol)
    message = codec.encode(channel, data)
    assert isinstance(message, str) == ("base64" in protocol)
    assert codec.decode(message.encode() if isinstance(message, str) else message) == Received(channel, data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(message=st.binary())
def test_any_message_is_read_without_an_error(protocol: str, message: bytes) -> None:
    channels.channels(protocol).decode(message)


def test_version_5_closes_a_channel_and_version_4_cannot() -> None:
    assert channels.channels(V5).decode(b"\xff\x00") == Received(STDIN, closes=True)
    assert channels.channels(V4).decode(b"\xff\x00") == Received(255, b"\x00")
    assert channels.channels(V5).decode(b"\xff") is None


def test_base64_is_a_digit_and_text() -> None:
    assert channels.channels(BASE64).encode(STDOUT, b"hello") == "1aGVsbG8="
    assert channels.channels(BASE64).decode(b"0!") is None
    assert channels.channels(BASE64).decode(b"") is None


def test_an_exit_code_is_a_status_that_kubectl_reads() -> None:
    assert channels.exit_status(0)["status"] == "Success"
    failed = channels.exit_status(3)
    assert (failed["status"], failed["reason"]) == ("Failure", "NonZeroExitCode")
    assert failed["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ({"Width": 80, "Height": 24}, (80, 24)),
        ({"Width": 0, "Height": 24}, None),
        ({"Width": 70000, "Height": 24}, None),
        ({"Width": "80", "Height": 24}, None),
        ({"Width": True, "Height": 24}, None),
        ([80, 24], None),
        ({}, None),
    ],
)
def test_a_terminals_size_is_read_and_nonsense_is_none(told: object, size: object) -> None:
    assert channels.terminal_size(orjson.dumps(told)) == size


def test_what_is_no_json_is_no_size() -> None:
    assert channels.terminal_size(b"{") is None
