"""The word that the store keeps of how an object does is the one that its state on a page comes to."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console import jobstates, states
from console.states import State
from tests import manifests
from tests.console import scenes
from workloads.kinds import health

JSON = dict[str, Any]

REASONS = (*health.IMAGE_PROBLEMS, *health.CANNOT_START, "CrashLoopBackOff", "ContainerCreating", "PodInitializing", "")
WORDS = st.sampled_from(["True", "False", "Unknown"])


@st.composite
def containers(draw: st.DrawFn) -> JSON:
    state = draw(
        st.one_of(
            st.builds(lambda reason: {"waiting": {"reason": reason}}, st.sampled_from(REASONS)),
            st.builds(lambda code: {"terminated": {"exitCode": code}}, st.sampled_from([0, 1, 137])),
            st.just({"running": {"startedAt": scenes.ago(5)}}),
            st.just({}),
        )
    )
    return {"name": "app", "state": state, "ready": draw(st.booleans()), "restartCount": 0}


@st.composite
def conditions(draw: st.DrawFn, types: dict[str, list[str]]) -> list[JSON]:
    chosen = draw(st.lists(st.sampled_from(list(types)), unique=True, max_size=3))
    return [{"type": one, "status": draw(WORDS), "reason": draw(st.sampled_from(types[one]))} for one in chosen]


@st.composite
def pods(draw: st.DrawFn) -> JSON:
    pod = manifests.pod("one")
    pod["spec"]["restartPolicy"] = draw(st.sampled_from(["Always", "OnFailure", "Never"]))
    if draw(st.integers(0, 9)) == 0:
        pod["metadata"]["deletionTimestamp"] = scenes.ago(1)
    known = {
        "PodScheduled": ["NetworkNotReady", "SchedulingGated", "ClaimNotReady", "Unschedulable"],
        "Ready": ["ReadinessGatesNotReady", "ContainersNotReady"],
    }
    pod["status"] = {
        "phase": draw(st.sampled_from(["Pending", "Running", "Succeeded", "Failed"])),
        "containerStatuses": draw(st.lists(containers(), max_size=3)),
        "conditions": draw(conditions(known)),
    }
    return pod


def word(state: State) -> str:
    return health.LOOK if state.needs_a_look else health.CHANGING if state.changing else health.WELL


@given(pods())
def test_of_a_pod(pod: JSON) -> None:
    assert health.of_pod(pod) == word(states.of_pod(pod))


@given(
    pods=st.lists(pods(), max_size=2),
    known=conditions({"ReplicaFailure": ["FailedCreate"], "Progressing": ["ProgressDeadlineExceeded"]}),
    counts=st.tuples(*[st.sampled_from([0, 2])] * 4),
    paused=st.booleans(),
    leaving=st.booleans(),
)
def test_of_a_deployment_whose_pods_say_nothing_more(
    pods: list[JSON], known: list[JSON], counts: tuple[int, ...], paused: bool, leaving: bool
) -> None:
    deployment = manifests.deployment("web", replicas=counts[3])
    deployment["metadata"] |= {"generation": 1, **({"deletionTimestamp": scenes.ago(1)} if leaving else {})}
    deployment["spec"]["paused"] = paused
    names = ("replicas", "updatedReplicas", "readyReplicas")
    status = dict(zip(names, counts[:3], strict=True))
    deployment["status"] = {"observedGeneration": 1, "conditions": known, **status}

    said = health.of_deployment(deployment)

    looked_at = [] if health.settled(deployment) else pods
    assert said in (health.OPEN, word(states.of_deployment(deployment, looked_at)))


@given(
    pods=st.lists(pods(), max_size=2),
    known=conditions({one: [""] for one in ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")}),
    active=st.integers(0, 1),
    suspend=st.booleans(),
    started=st.booleans(),
    leaving=st.booleans(),
)
def test_of_a_job_whose_pods_say_nothing_more(
    pods: list[JSON], known: list[JSON], active: int, suspend: bool, started: bool, leaving: bool
) -> None:
    job = manifests.job("sum")
    job["metadata"] |= {"deletionTimestamp": scenes.ago(1)} if leaving else {}
    job["spec"]["suspend"] = suspend
    job["status"] = {"active": active, "conditions": known, **({"startTime": scenes.ago(9)} if started else {})}

    assert health.of_job(job) in (health.OPEN, word(jobstates.of_job(job, pods)))
