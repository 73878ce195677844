"""Where a Job stands, in a word and a sentence that is true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from console import jobstates
from tests import manifests
from tests.console import scenes

JSON = dict[str, Any]
STARTED = "2026-08-20T10:00:00Z"


def job(status: JSON | None = None, **spec: Any) -> JSON:
    made = manifests.job("sum", **{"completions": 5, "parallelism": 2, "backoffLimit": 3, **spec})
    return {**made, "status": {"startTime": STARTED, **(status or {})}}


def ended(type: str, reason: str, message: str = "") -> JSON:
    end = {"type": type, "status": "True", "reason": reason, "message": message}
    return {"conditions": [{**end, "lastTransitionTime": "2026-08-20T10:01:30Z"}]}


def pod(status: JSON) -> JSON:
    return {**manifests.pod("sum-x"), "status": status}


@pytest.mark.parametrize(
    ("made", "word", "sentence", "tone"),
    [
        (job({"startTime": None}), "Waiting", "accepted, waits for its turn", "busy"),
        (job({"succeeded": 2, "active": 2}), "Running", "2 of 5 done", "ok"),
        (job({"succeeded": 2, "active": 2, "failed": 1}), "Running", "2 of 5 done, 1 pod failed", "ok"),
        (job({"active": 2}, completions=None), "Running", "0 pods succeeded", "ok"),
        (job({}), "Starting", "its pods are being made", "busy"),
        (job({"failed": 1}), "Waiting", "0 of 5 done, 1 pod failed; the next try comes after a pause", "warn"),
        (job({"succeeded": 2}, suspend=True), "Suspended", "2 of 5 done, costs nothing until it is resumed", "idle"),
        (job({"active": 2}, suspend=True), "Suspended", "its pods are being stopped", "busy"),
        (
            job({"succeeded": 5, **ended("Complete", "CompletionsReached")}),
            "Complete",
            "5 of 5 done in 1 min 30 s",
            "idle",
        ),
        (
            job({"succeeded": 2, **ended("Complete", "SuccessPolicy")}),
            "Complete",
            "2 of 5 done, enough by its success policy in 1 min 30 s",
            "idle",
        ),
        (
            job({"failed": 4, **ended("Failed", "BackoffLimitExceeded")}),
            "Failed",
            "BackoffLimitExceeded: 4 pods failed, its backoff limit is 3",
            "bad",
        ),
        (
            job(ended("Failed", "DeadlineExceeded"), activeDeadlineSeconds=20),
            "Failed",
            "DeadlineExceeded: it was not done within 20 s",
            "bad",
        ),
        (
            job({"failedIndexes": "1,3", **ended("Failed", "FailedIndexes")}),
            "Failed",
            "FailedIndexes: index 1,3 failed",
            "bad",
        ),
        (
            job(ended("Failed", "PodFailurePolicy", "Container app failed with exit code 42")),
            "Failed",
            "PodFailurePolicy: Container app failed with exit code 42",
            "bad",
        ),
        (
            job({"failed": 4, "active": 1, **ended("FailureTarget", "BackoffLimitExceeded")}),
            "Failing",
            "BackoffLimitExceeded: 4 pods failed, its backoff limit is 3",
            "bad",
        ),
        (job(ended("SuccessCriteriaMet", "x")), "Completing", "enough succeeded, the rest is being stopped", "busy"),
    ],
)
def test_a_job_says_where_it_stands(made: JSON, word: str, sentence: str, tone: str) -> None:
    state = jobstates.of_job(made)

    assert (state.word, state.sentence, state.tone) == (word, sentence, tone)


def test_pods_that_cannot_run_speak_for_their_job() -> None:
    state = jobstates.of_job(job({"active": 2}), [pod(scenes.running()), pod(scenes.no_room())])

    assert (state.word, state.sentence) == ("Waiting", "1 of 2: no room: needs 2 cores, 0.75 free")


def test_a_pod_that_failed_and_is_counted_is_no_trouble_while_others_work() -> None:
    state = jobstates.of_job(job({"active": 1, "failed": 1}), [pod(scenes.running()), pod({"phase": "Failed"})])

    assert state.word == "Running"


def test_a_job_whose_image_is_on_its_way_says_how_far() -> None:
    state = jobstates.of_job(job({"active": 1}), [pod(scenes.pulling(41))])

    assert (state.word, state.sentence, state.progress) == ("Starting", "0 of 5 done, pulling 41%", 41)


def test_a_deadline_counts_from_the_start_and_not_while_suspended() -> None:
    limited = job({"active": 1}, activeDeadlineSeconds=60)

    assert jobstates.must_end_at(limited) == datetime(2026, 8, 20, 10, 1, tzinfo=UTC)
    assert jobstates.must_end_at(job({}, activeDeadlineSeconds=60, suspend=True)) is None


def test_a_time_to_live_counts_from_the_end() -> None:
    kept = job(ended("Complete", "CompletionsReached"), ttlSecondsAfterFinished=30)

    assert jobstates.removed_at(kept) == datetime(2026, 8, 20, 10, 2, tzinfo=UTC)
    assert jobstates.removed_at(job(ttlSecondsAfterFinished=30)) is None
