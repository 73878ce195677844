"""`make run` says what stands in its way."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from pytest_django import Settings

from console import web
from console.management.commands import proxy, serve


def test_a_taken_port_is_named_with_the_setting_that_moves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("CCI_PORT", str(port))

        with pytest.raises(CommandError, match=rf"Port {port} .* CCI_PORT={port + 10} make run"):
            serve.check_ports()


def test_a_second_start_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (
        serve.only_one(tmp_path / "serve.lock"),
        pytest.raises(CommandError, match=r"already runs .* CCI_DATA_DIR"),
    ):
        serve.only_one(tmp_path / "serve.lock")


def test_the_api_has_a_second_process_where_there_is_a_second_processor(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ELB_POOL, settings.DNS = None, ""
    monkeypatch.delenv("CCI_API_PROCESSES", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert serve.api_processes() == 1
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert serve.api_processes() == 2
    monkeypatch.setenv("CCI_API_PROCESSES", "3")
    assert [program.name for program in serve.programs()][-2:] == ["api-2", "api-3"]
    monkeypatch.setenv("CCI_API_PROCESSES", "0")
    with pytest.raises(CommandError, match="at least one process"):
        serve.programs()


def test_composes_proxy_tier_is_what_the_settings_leave_on(settings: Settings, tmp_path: Path) -> None:
    settings.RUN_DIR = tmp_path
    settings.POD_API, settings.DNS, settings.ELB_POOL = "10.247.0.1", "", ip_network("127.77.0.0/16")
    assert [program.name for program in proxy.programs()] == ["traffic", "envoy", "pods"]
    settings.ELB_POOL = None
    assert [program.name for program in proxy.programs()] == ["pods"]


def test_a_door_that_is_none_is_named() -> None:
    with pytest.raises(SystemExit, match="windows is none of pages, api, pods"):
        web.main("api", "windows")


def test_every_setting_is_declared_once_with_its_meaning() -> None:
    from console.env import SETTINGS

    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)


def test_what_the_first_start_makes_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from console import env

    monkeypatch.setenv("CCI_DATA_DIR", str(tmp_path / "state"))

    assert env.data_dir().stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state").exists()
