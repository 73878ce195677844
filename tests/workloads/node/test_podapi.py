"""Pods are told of the API's door while it is open, and not of one that is shut or somebody else's."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import Settings

from iam import pki
from workloads.node import podapi, poddoors
from workloads.store import hosts

HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def ours(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pki.Pki:
    settings.DATA_DIR = tmp_path
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        monkeypatch.setattr(podapi, "PORT", probe.getsockname()[1])
    return pki.ensure()


@contextmanager
def door(paths: pki.Pki) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths.certificate, paths.key)
    with socket.create_server((HERE, podapi.PORT)) as listener:
        threading.Thread(target=_greet, args=(listener, context), daemon=True).start()
        yield


def _greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    try:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True):
            pass
    except OSError:
        return


def test_an_open_door_is_ours_by_name_and_certificate(ours: pki.Pki) -> None:
    with door(ours):
        assert podapi.look(HERE) == ""


def test_a_shut_door_and_no_door_say_so() -> None:
    assert "nobody answers" in podapi.look(HERE)
    assert podapi.look("") == "CCI_POD_API is none"


def test_somebody_elses_door_is_not_ours(tmp_path: Path) -> None:
    with door(pki.ensure(tmp_path / "other", hosts=[HERE])):
        assert "somebody else answers" in podapi.look(HERE)


def test_an_address_that_cannot_be_made_local_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = podapi.look("192.0.2.1")
    assert "192.0.2.1 is not local" in said and "ip route replace local 192.0.2.1/32 dev lo" in said


@pytest.mark.django_db
def test_a_door_that_is_shut_for_a_moment_is_still_told_of() -> None:
    poddoors.say("node", podapi.door(HERE), "")
    poddoors.say("node", podapi.door(HERE), "nobody answers", patient=True)
    assert hosts.get(hosts.API) == {"address": HERE}
    poddoors.say("node", podapi.door(HERE), "nobody answers")
    assert hosts.get(hosts.API) == {"problem": "nobody answers"}


@pytest.mark.django_db
def test_an_address_that_was_moved_is_told_of_at_once() -> None:
    poddoors.say("node", podapi.door("10.247.0.9"), "")
    poddoors.say("node", podapi.door(HERE), "nobody answers", patient=True)
    assert hosts.get(hosts.API) == {"problem": "nobody answers"}
