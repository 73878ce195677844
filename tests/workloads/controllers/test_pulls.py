"""Pulls run beside the workers; what is remembered of them stands in the pod."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workloads.controllers.pods import images
from workloads.controllers.pods.pulls import Pulled, Pulling, Pulls, Refused
from workloads.meta.keys import Key
from workloads.runtimes.base import PullOutcome, PullProgress
from workloads.runtimes.simulated import Simulated

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE, TWO = Key("acme", "Pod", "shop", "one"), Key("acme", "Pod", "shop", "two")


class Later:
    """Runs what was begun when the test says so."""

    def __init__(self) -> None:
        self.works: list[Callable[[], None]] = []
        self.rung: list[Key] = []
        self.runtime = Simulated(clock=lambda: NOON, every_image=True)
        self.pulls = Pulls(lambda: self.runtime, ring=self.ring, start=self.works.append)

    def ring(self, keys: Iterable[Key]) -> None:
        self.rung += keys

    def run(self) -> None:
        while self.works:
            self.works.pop(0)()


def test_everybody_who_waits_is_told_when_the_pull_has_ended() -> None:
    later = Later()
    assert later.pulls.ask("web:1", since=NOON, key=ONE) == Pulling(PullProgress(0, 0))
    later.pulls.ask("web:1", since=NOON, key=TWO)
    assert len(later.works) == 1
    later.run()
    assert set(later.rung) == {ONE, TWO}
    assert isinstance(later.pulls.ask("web:1", since=NOON, key=ONE), Pulled)


def test_a_result_that_is_older_than_the_question_answers_nothing() -> None:
    later = Later()
    later.pulls.ask("web:1", since=NOON, key=ONE)
    later.run()
    assert isinstance(later.pulls.ask("web:1", since=NOON + timedelta(seconds=1), key=ONE), Pulling)


def test_a_refusal_carries_the_registrys_words() -> None:
    later = Later()
    later.runtime.fail_pull("web:1", "denied: requested access to the resource is denied")
    later.pulls.ask("web:1", since=NOON, key=ONE)
    later.run()
    found = later.pulls.ask("web:1", since=NOON, key=ONE)
    assert found == Refused("denied: requested access to the resource is denied")


def test_a_daemon_that_is_away_refuses_and_any_later_question_begins_anew() -> None:
    later = Later()
    later.pulls.ask("web:1", since=NOON, key=ONE)
    later.runtime.stop_daemon()
    later.run()
    assert later.rung == [ONE]
    assert isinstance(later.pulls.ask("web:1", since=NOON, key=ONE), Pulling)


def test_what_went_wrong_in_our_own_code_is_a_refusal_too(caplog: pytest.LogCaptureFixture) -> None:
    later = Later()
    later.runtime.pull = lambda *args, **kwargs: 1 / 0  # type: ignore[method-assign,assignment]
    later.pulls.ask("web:1", since=NOON, key=ONE)
    later.run()
    assert later.pulls.ask("web:1", since=NOON, key=ONE) == Refused("ZeroDivisionError: division by zero")


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_pull() -> None:
    gate, rung = threading.Event(), threading.Event()
    runtime = Simulated(every_image=True)
    slow = runtime.pull

    def pull(*args: Any, **kwargs: Any) -> PullOutcome:
        gate.wait(10)
        return slow(*args, **kwargs)

    runtime.pull = pull  # type: ignore[method-assign]
    pulls = Pulls(lambda: runtime, ring=lambda keys: rung.set())
    since = datetime.now(UTC)
    assert isinstance(pulls.ask("web:1", since=since, key=ONE), Pulling)
    gate.set()
    assert rung.wait(10)
    assert isinstance(pulls.ask("web:1", since=since, key=ONE), Pulled)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.34, "340ms"), (1.2, "1.2s"), (10, "10s"), (80, "1m20s"), (300, "5m0s"), (3723.5, "1h2m3.5s")],
)
def test_durations_read_as_the_kubelet_prints_them(seconds: float, text: str) -> None:
    assert images.go_duration(seconds) == text


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("localhost:5000/web", "Always"),
        ("localhost:5000/web:1", "IfNotPresent"),
        ("web@sha256:abc", "IfNotPresent"),
    ],
)
def test_an_image_without_a_policy_is_pulled_as_kubernetes_would(image: str, policy: str) -> None:
    assert images.policy_of({"image": image}) == policy


def test_progress_is_said_in_percent() -> None:
    assert images.progress_message("x", PullProgress(26_322_000, 64_200_000)) == 'Pulling image "x": 41% of 64.2 MB'
