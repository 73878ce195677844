"""Pages tell what pods use beside what they are billed for, and say nothing while nobody measures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from tests import manifests
from tests.agents import agent_of, run_pod
from tests.console import scenes
from tests.console.test_pages import text_of
from workloads.runtimes.simulated import Simulated


@pytest.fixture
def measured(shop: None, settings: Any) -> Iterator[None]:
    """`web-0001-aaaaa` has used half of its quarter core, and 34 MiB."""
    now = [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    runtime = Simulated(clock=lambda: now[0])
    runtime.add_image(manifests.IMAGE)
    with agent_of(runtime, settings):
        pod = scenes.person().get("Pod", "web-0001-aaaaa", "shop")
        run_pod(runtime, pod)
        runtime.load(pod["metadata"]["uid"], "app", cpu_millis=125, memory_bytes=34 * 1024**2)
        scenes.person().usage("shop")
        now[0] += timedelta(seconds=15)
        yield


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("page", ["pods/web-0001-aaaaa/", "deployments/web/", "deployments/web/pods/"])
def test_usage_stands_beside_the_billed_size(browser: Browser, page: str) -> None:
    text = text_of(browser, f"/namespaces/shop/{page}")
    assert "0.12 50 %" in text
    assert "34 MiB 3 %" in text


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("span", ["", "?span=day"])
@pytest.mark.parametrize("page", ["pods/web-0001-aaaaa/monitoring/", "deployments/web/monitoring/"])
def test_an_hour_and_a_day_are_drawn_and_said_in_words(
    browser: Browser, monkeypatch: Any, page: str, span: str
) -> None:
    monkeypatch.setattr("console.usage.datetime", _March)
    text = text_of(browser, f"/namespaces/shop/{page}{span}")
    assert "Now 0.12" in text
    assert "billed 0.25" in text
    assert "34 MiB" in text
    assert "Sent Now" in text
    assert "No container was started again" in text


class _March(datetime):
    """The noon of `measured`, some seconds later."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 3, 1, 12, 0, 20, tzinfo=tz)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("page", ["pods/web-0001-aaaaa/", "deployments/web/", "pods/web-0001-aaaaa/monitoring/"])
def test_without_the_agent_the_page_stands(browser: Browser, settings: Any, page: str) -> None:
    settings.AGENT_SOCKET = settings.AGENT_SOCKET.with_name("nothing.sock")
    answer = browser.get(f"/namespaces/shop/{page}")
    assert answer.status_code == 200
    assert "MiB" not in text_of(browser, f"/namespaces/shop/{page}")
