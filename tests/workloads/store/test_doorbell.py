"""The bell reaches listeners here and in other processes, and its absence harms nobody."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import transaction

from tests.redis_server import server
from tests.workloads.store.drafts import draft
from workloads.store import doorbell, objects

SOON = 5.0
"""Seconds within which a bell must have been heard; it takes milliseconds."""


@pytest.fixture
def own_redis(settings):
    """A Redis of this test alone, and a publisher that has not met another."""
    with server() as url:
        settings.REDIS_URL = url
        doorbell._publisher.cache_clear()
        yield url
    doorbell._publisher.cache_clear()


@pytest.fixture
def no_redis(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    doorbell._publisher.cache_clear()
    yield
    doorbell._publisher.cache_clear()


def ring_in_another_process(url: str, data: Path) -> None:
    program = (
        "import django, time; django.setup(); from workloads.store import doorbell; doorbell.ring(); time.sleep(0.3)"
    )
    environment = {
        "REDIS_URL": url,
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "CCI_DATA_DIR": str(data),
    }
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=Path(__file__).parents[3], check=True)


def test_a_bell_rung_in_another_process_is_heard(own_redis, tmp_path):
    heard = threading.Event()
    with doorbell.listen(heard.set):
        assert heard.wait(SOON), "a new listener looks once, in case it missed a bell"
        heard.clear()

        ring_in_another_process(own_redis, tmp_path)

        assert heard.wait(SOON)


def test_bells_are_heard_again_after_redis_was_away(settings, tmp_path):
    socket = tmp_path / "redis.sock"
    settings.REDIS_URL = f"unix://{socket}"
    heard = threading.Event()
    with doorbell.listen(heard.set):
        for _ in range(2):
            with server(socket):
                assert heard.wait(SOON)
                heard.clear()


@pytest.mark.django_db(transaction=True)
def test_a_listener_of_this_process_hears_a_write_without_redis(no_redis):
    heard = threading.Event()
    with doorbell.listen(heard.set):
        objects.insert(draft("web"))

        assert heard.is_set()


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_not_for_what_was_rolled_back(no_redis):
    heard = threading.Event()
    with doorbell.listen(heard.set):
        with transaction.atomic():
            objects.insert(draft("web"))
            assert not heard.is_set()
            transaction.set_rollback(True)
        assert not heard.is_set()

        with pytest.raises(objects.Missing):
            objects.update(draft("web"), expected_revision=1)
        assert not heard.is_set()


def test_ringing_takes_no_time_when_redis_is_away(no_redis):
    start = time.perf_counter()
    for _ in range(200):
        doorbell.ring()

    assert time.perf_counter() - start < 0.5


def test_a_listener_that_has_left_is_not_called(no_redis):
    heard = threading.Event()
    with doorbell.listen(heard.set):
        pass

    doorbell.ring()

    assert not heard.is_set()
