"""Pods are told of the DNS server while it answers, and not of one that is silent or somebody else's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from tests.workloads.routing.directories import known
from workloads.elb import dns
from workloads.node import poddns

HERE = "127.77.250.10"


@pytest.fixture(autouse=True)
def _port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HERE, 0)) as probe:
        monkeypatch.setattr(poddns, "PORT", probe.getsockname()[1])


@contextmanager
def answering() -> Iterator[None]:
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    serving = dns.serve(known(), address=HERE, port=poddns.PORT, stop=stop, api=lambda: "")
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_a_server_is_ours_by_what_it_says(settings: Settings) -> None:
    with answering():
        while said := poddns.look(HERE, instance=settings.INSTANCE_ID):
            assert "nobody answers" in said
        assert "give this installation another CCI_DNS" in poddns.look(HERE, instance="another")


def test_silence_and_no_address_say_so() -> None:
    assert f"nobody answers at {HERE}" in poddns.look(HERE, instance="ours")
    assert poddns.look("", instance="ours") == "CCI_DNS is none"
