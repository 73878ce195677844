"""A message leads to one look, and what the look says is what becomes of the key."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError

from tests.redis_server import server
from tests.threads import apart
from workloads.controllers import queue, registry, tasks
from workloads.controllers.base import Controller, Result, TerminalError
from workloads.meta.errors import Conflict
from workloads.meta.keys import Key
from workloads.store.models import WorkItem

ROOT = Path(__file__).parents[3]
WEB = Key("acme", "Pod", "shop", "web")
database = pytest.mark.django_db(transaction=True)


def controller(reconcile: Callable[[Key], Result | None]) -> Controller:
    return Controller("pods", "node", lambda entry: [entry.key], reconcile, list)


def look(reconcile: Callable[[Key], Result | None]) -> bool:
    queue.add("pods", [WEB])
    return tasks.work(controller(reconcile), WEB)


def raising(error: Exception) -> Callable[[Key], Result | None]:
    def reconcile(key: Key) -> Result | None:
        raise error

    return reconcile


def due_in(seconds: float) -> bool:
    item = WorkItem.objects.get()
    return bool(
        item.claimed_until is None and (item.due - queue.timezone.now()).total_seconds() == pytest.approx(seconds)
    )


@database
def test_a_message_for_a_key_that_is_not_due_does_nothing(clock, bells):
    assert not tasks.work(controller(raising(AssertionError("must not be called"))), WEB)


@database
def test_a_look_that_finds_nothing_to_do_is_done(clock, bells):
    assert look(lambda key: None)
    assert WorkItem.objects.count() == 0


@database
def test_a_look_may_ask_for_another(clock, bells):
    look(lambda key: Result(requeue_after=30))
    assert due_in(30)


@database
def test_an_error_is_kept_and_tried_again(clock, bells, caplog):
    look(raising(RuntimeError("Docker does not answer")))

    assert due_in(1)
    assert WorkItem.objects.get().error == "RuntimeError: Docker does not answer"
    assert "pods acme/Pod/shop/web: will be tried again" in caplog.text


@database
def test_a_conflict_is_no_error(clock, bells, caplog):
    look(raising(Conflict.stale("pods", "web")))

    assert due_in(tasks.AFTER_CONFLICT)
    assert (WorkItem.objects.get().failures, caplog.text) == (0, "")


@database
def test_a_terminal_error_ends_the_matter(clock, bells, caplog):
    look(raising(TerminalError("the image is no image")))

    assert WorkItem.objects.count() == 0
    assert "not before it changes: the image is no image" in caplog.text


@database
def test_what_a_look_found_is_kept_until_the_database_is_back(clock, bells, monkeypatch, caplog):
    settle, answers = queue.settle, iter([OperationalError("gone"), InterfaceError("closed"), None])

    def stumble(claim, **settlement):
        if error := next(answers):
            raise error
        settle(claim, **settlement)

    monkeypatch.setattr(queue, "settle", stumble)
    monkeypatch.setattr(tasks, "AFTER_OUTAGE", 0)

    assert look(lambda key: None)
    assert WorkItem.objects.count() == 0
    assert caplog.text.count("the database does not answer") == 2


@database
def test_a_message_names_its_controller(clock, bells, monkeypatch):
    seen: list[Key] = []
    monkeypatch.setattr(registry, "controllers", lambda: {"pods": controller(lambda key: seen.append(key))})
    queue.add("pods", [WEB])

    tasks.reconcile("unknown", str(WEB))
    tasks.reconcile("pods", str(WEB))

    assert seen == [WEB]


@database
def test_a_claim_is_renewed_while_the_work_takes_long(bells, monkeypatch):
    monkeypatch.setattr(tasks, "RENEW_SECONDS", 0.05)
    tasks._keeper.cache_clear()
    renewed = threading.Event()
    renew = queue.renew

    def remember(claim: queue.Claim) -> queue.Claim | None:
        kept = apart(lambda: renew(claim))
        renewed.set()
        return kept

    monkeypatch.setattr(queue, "renew", remember)

    def reconcile(key: Key) -> Result | None:
        before = WorkItem.objects.get().claimed_until
        assert renewed.wait(5)
        after = WorkItem.objects.get().claimed_until
        assert before and after and after > before
        return None

    assert look(reconcile)
    assert WorkItem.objects.count() == 0


RING_THREE = """
import time, django
django.setup()
from workloads.controllers import tasks
from workloads.meta.keys import Key
web = Key("acme", "Pod", "shop", "web")
start = time.perf_counter()
tasks.ring("pods", [web, web._replace(name="api"), web])
tasks.ring("no such controller", [web])
took = time.perf_counter() - start
deadline = time.monotonic() + float({patience})
while tasks.depth("node") != 2 and time.monotonic() < deadline:
    time.sleep(0.02)
print(took < 0.5, tasks.depth("node"), tasks.depth("control"))
"""


def ring_three(redis_url: str, data: Path, *, patience: float) -> str:
    """In a process of its own, as the manager does it: whether ringing took no time, and how many messages wait."""
    environment = {"REDIS_URL": redis_url, "CCI_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "console.settings"}
    program = RING_THREE.replace("{patience}", str(patience))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def test_a_bell_is_one_message_in_the_controllers_queue(tmp_path):
    with server() as url:
        assert ring_three(url, tmp_path, patience=20) == "True 2 0"


def test_ringing_a_broker_that_is_away_takes_no_time_and_harms_nobody(tmp_path):
    assert ring_three(f"unix://{tmp_path}/nobody.sock", tmp_path, patience=0.1) == "True None None"
