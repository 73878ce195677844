"""Conditions: "since when" moves only when the status does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workloads.meta import conditions
from workloads.meta.conditions import JSON

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def test_a_new_condition_begins_now() -> None:
    status: JSON = {}
    assert conditions.put(status, "Ready", "False", now=NOON, reason="Starting", message="wait")
    assert status["conditions"] == [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Starting",
            "message": "wait",
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        }
    ]


def test_saying_the_same_again_changes_nothing() -> None:
    status: JSON = {}
    conditions.put(status, "Ready", "True", now=NOON)
    assert not conditions.put(status, "Ready", "True", now=LATER)
    assert conditions.find(status, "Ready") == {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
    }


def test_another_message_does_not_move_the_transition() -> None:
    status: JSON = {}
    conditions.put(status, "Ready", "False", now=NOON, message="pulling")
    assert conditions.put(status, "Ready", "False", now=LATER, message="starting")
    assert status["conditions"][0]["lastTransitionTime"] == "2026-01-01T12:00:00Z"


def test_another_status_moves_it() -> None:
    status: JSON = {}
    conditions.put(status, "PodScheduled", "True", now=NOON)
    conditions.put(status, "Ready", "False", now=NOON)
    assert conditions.put(status, "Ready", "True", now=LATER, update_time=True)
    assert conditions.is_true(status, "Ready")
    assert status["conditions"][1]["lastTransitionTime"] == "2026-01-01T12:05:00Z"
    assert status["conditions"][1]["lastUpdateTime"] == "2026-01-01T12:05:00Z"


def test_a_condition_can_be_dropped() -> None:
    status: JSON = {"conditions": None}
    assert not conditions.drop(status, "Ready")
    conditions.put(status, "Ready", "True", now=NOON)
    assert conditions.drop(status, "Ready")
    assert conditions.find(status, "Ready") is None
    assert not conditions.is_true(status, "Ready")
