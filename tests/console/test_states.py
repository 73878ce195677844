"""A shape, a word and a sentence for every state a thing can be in."""

from __future__ import annotations

from typing import Any

import pytest

from console import states
from tests import manifests
from tests.console import scenes

JSON = dict[str, Any]


def pod(status: JSON | None = None, **metadata: Any) -> JSON:
    made = manifests.pod("one")
    made["metadata"].update(metadata)
    return {**made, "status": status or {}}


def deployment(*, replicas: int = 2, **status: Any) -> JSON:
    made = manifests.deployment("web", replicas=replicas)
    made["metadata"]["generation"] = 1
    known = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas}
    return {**made, "status": {**known, **status}}


def entry(state: JSON, **rest: Any) -> JSON:
    return {"name": "app", "state": state, "lastState": {}, "ready": False, "restartCount": 0, **rest}


@pytest.mark.parametrize(
    ("status", "word", "sentence", "tone"),
    [
        ({"phase": "Pending"}, "Queued", "accepted, waits for its turn", "busy"),
        (scenes.no_room(), "Waiting", "no room: needs 2 cores, 0.75 free", "warn"),
        (scenes.pulling(41), "Pulling", "41% of 64.2 MB", "busy"),
        (scenes.running(), "Running", "", "ok"),
        (scenes.crashing(), "Restarting", "exit 137, out of memory (1 GiB)", "bad"),
        (scenes.crashing(oom=False), "Restarting", "exit 137", "bad"),
        (scenes.image_problem(), "Image problem", "manifest unknown: manifest for shop/search:0.8 not found", "bad"),
        ({"phase": "Succeeded"}, "Completed", "", "idle"),
        (
            {
                "phase": "Failed",
                "reason": "Evicted",
                "message": 'Usage of EmptyDir volume "v" exceeds the limit "1Gi". ',
            },
            "Evicted",
            'Usage of EmptyDir volume "v" exceeds the limit "1Gi".',
            "bad",
        ),
        ({"phase": "Failed", "message": "The node went away."}, "Failed", "The node went away.", "bad"),
    ],
)
def test_a_pod_says_where_it_stands(status: JSON, word: str, sentence: str, tone: str) -> None:
    state = states.of_pod(pod(status))

    assert (state.word, state.sentence, state.tone) == (word, sentence, tone)


def test_a_pod_that_is_being_deleted_is_terminating_whatever_else_it_is() -> None:
    leaving = pod(scenes.crashing(), deletionTimestamp=scenes.ago(1), deletionGracePeriodSeconds=30)

    assert states.of_pod(leaving).word == "Terminating"
    assert states.of_pod(leaving).sentence == "has 30 s to stop"


def test_an_image_that_is_here_already_is_not_pulled() -> None:
    status = scenes.pulling()
    status["lifecycle"]["pull"]["cached"] = True

    assert states.of_pod(pod(status)).word == "Creating"


def test_a_pull_of_unknown_size_has_no_percentage() -> None:
    status = scenes.pulling()
    status["lifecycle"]["pull"]["totalBytes"] = 0

    assert states.of_pod(pod(status)).progress is None


def test_a_pod_that_failed_says_with_which_exit_code() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error"}}

    assert states.of_pod(pod({"phase": "Failed", "containerStatuses": [entry(ended)]})).sentence == "exit 3"


def test_of_a_long_message_the_last_line_is_told() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "starting\nno more disk" + "!" * 300 + "\n"}}

    sentence = states.of_pod(pod({"phase": "Failed", "containerStatuses": [entry(ended)]})).sentence

    assert sentence.startswith("no more disk!!!")
    assert len(sentence) == 200


def test_a_pod_that_others_hold_up_says_so() -> None:
    gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "blocked"}
    shut = {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": "gate x is shut"}

    held = states.of_pod(pod({"phase": "Pending", "conditions": [gated]}))
    unready = states.of_pod(pod(scenes.running() | {"conditions": [shut]}))

    assert (held.word, held.sentence) == ("Waiting", "held by its scheduling gates")
    assert (unready.word, unready.sentence) == ("Starting", "runs, not ready yet: gate x is shut")


def test_the_next_try_is_known_to_the_second() -> None:
    status = scenes.crashing()
    status["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"] = "2026-08-20T10:00:00Z"

    retry_at = states.of_pod(pod(status)).retry_at

    assert retry_at is not None
    assert retry_at.isoformat() == "2026-08-20T10:00:40+00:00"


@pytest.mark.parametrize(("words", "seconds"), [("back-off 10s", 10), ("back-off 5m0s", 300), ("back-off 2m40s", 160)])
def test_backoffs_are_read_as_go_writes_them(words: str, seconds: int) -> None:
    status = scenes.crashing()
    status["containerStatuses"][0]["state"]["waiting"]["message"] = f"{words} restarting failed container"
    status["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"] = "2026-08-20T10:00:00Z"

    retry_at = states.of_pod(pod(status)).retry_at

    assert retry_at is not None
    assert (retry_at.minute * 60 + retry_at.second) == seconds


def test_of_several_containers_the_worst_speaks_and_says_its_name() -> None:
    both = pod(scenes.running())
    both["spec"]["containers"].append(manifests.container("helper"))
    both["status"]["containerStatuses"].append(
        entry({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}, name="helper")
        | {"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    )

    assert states.of_pod(both).sentence == "helper: exit 1"


def test_a_pod_that_runs_again_remembers_how_it_ended() -> None:
    status = scenes.running()
    status["containerStatuses"][0] |= {"restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}

    assert states.of_pod(pod(status)).sentence == "restarted 2 times, last: exit 1"


def test_a_deployment_with_all_its_pods_runs() -> None:
    assert states.of_deployment(deployment(readyReplicas=2)).word == "Running"


def test_a_first_rollout_is_starting_and_says_how_far_the_pull_is() -> None:
    state = states.of_deployment(deployment(readyReplicas=1), [pod(scenes.running()), pod(scenes.pulling(41))])

    assert (state.word, state.sentence) == ("Starting", "1 of 2 pods ready, pulling 41%")


def test_an_upgrade_counts_the_new_pods() -> None:
    updating = deployment(replicas=2, updatedReplicas=2, readyReplicas=2)
    updating["status"]["replicas"] = 3

    state = states.of_deployment(updating, [pod(scenes.running())] * 2 + [pod(scenes.pulling(41))])

    assert (state.word, state.sentence) == ("Updating", "1 of 2 new pods ready, pulling 41%")


def test_a_deployment_counts_the_pods_that_need_a_look() -> None:
    mixed = [pod(scenes.running()), pod(scenes.running()), pod(scenes.crashing())]

    state = states.of_deployment(deployment(replicas=3, readyReplicas=2), mixed)

    assert (state.word, state.sentence) == ("Restarting", "1 of 3: exit 137, out of memory (1 GiB)")
    assert state.needs_a_look


def test_a_deployment_of_nothing_is_stopped_and_free() -> None:
    state = states.of_deployment(deployment(replicas=0))

    assert (state.word, state.sentence) == ("Stopped", "scaled to 0, costs nothing")


def test_a_refusal_to_make_pods_is_told_in_its_own_words() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "quota reached"}

    assert states.of_deployment(deployment(conditions=[refused])).sentence == "quota reached"


@pytest.mark.parametrize(
    ("networks", "word", "tone"),
    [
        ([{"status": {"state": "Active"}}], "Normal", "ok"),
        ([], "Abnormal", "warn"),
        ([{"status": {"state": "Failed", "message": "no free range"}}], "Abnormal", "bad"),
        ([{"status": {}}], "Abnormal", "busy"),
    ],
)
def test_a_namespace_is_normal_with_an_active_network(networks: list[JSON], word: str, tone: str) -> None:
    state = states.of_namespace(manifests.namespace(), networks)

    assert (state.word, state.tone) == (word, tone)


def test_shapes_tell_good_from_bad_without_colour() -> None:
    shapes = {
        states.of_pod(pod(status)).tone: states.of_pod(pod(status)).shape
        for status in (scenes.running(), scenes.crashing(), scenes.no_room(), scenes.pulling())
    }

    assert len(set(shapes.values())) == 4
