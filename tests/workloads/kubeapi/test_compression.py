"""Long answers are packed for callers that are far away and ask for it."""

from __future__ import annotations

import gzip

import pytest

from workloads.kubeapi import compression
from workloads.kubeapi.exchange import Reply

LONG = Reply(200, b"0123456789" * 20_000)


def scope(coding: str = "gzip", address: str = "192.0.2.7") -> dict[str, object]:
    return {"headers": [(b"accept-encoding", coding.encode())], "client": (address, 1)}


async def test_a_long_answer_to_a_far_caller_is_packed():
    sent = await compression.fitting(LONG, scope("deflate, gzip;q=0.8"))
    assert gzip.decompress(sent.body) == LONG.body
    assert ("content-encoding", "gzip") in sent.headers and ("vary", "Accept-Encoding") in sent.headers


@pytest.mark.parametrize(
    ("reply", "caller"),
    [
        (LONG, scope(address="127.0.0.1")),
        (LONG, scope(address="::1")),
        (LONG, scope("identity")),
        (LONG, scope("gzip;q=0")),
        (Reply(200, b"short"), scope()),
    ],
    ids=["near", "near by IPv6", "not asked for", "refused", "short"],
)
async def test_other_answers_are_sent_as_they_are(reply, caller):
    assert await compression.fitting(reply, caller) is reply
