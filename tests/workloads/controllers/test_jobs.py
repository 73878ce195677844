"""Jobs: pods run until enough of them have succeeded, and each is counted once."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.jobs import births, pods
from workloads.kinds import jobs
from workloads.meta import conditions
from workloads.runtimes.simulated import Simulated

JSON = dict[str, Any]


def start(world: World, **spec: Any) -> JSON:
    job = world.create(manifests.job(**spec))
    world.settle()
    return job


def job_of(world: World) -> JSON:
    return world.get("Job", "sum")


def status(world: World) -> JSON:
    return dict(job_of(world)["status"])


def running(world: World) -> list[JSON]:
    return [pod for pod in world.all("Pod") if pod["status"]["phase"] == "Running"]


def end(world: World, code: int = 0, *, index: int | None = None) -> None:
    """The first running pod (of this index) ends."""
    some = [pod for pod in running(world) if index is None or index_of(pod) == index]
    world.exit(some[0], code)


def index_of(pod: JSON) -> int:
    return int(pod["metadata"]["annotations"][pods.INDEX])


def said(world: World, type: str) -> tuple[str, str]:
    condition = conditions.find(status(world), type) or {}
    return condition.get("reason", ""), condition.get("message", "")


def test_a_job_runs_its_pods_side_by_side_until_enough_have_succeeded(world: World) -> None:
    start(world, completions=3, parallelism=2)
    assert len(running(world)) == 2
    assert status(world) == status(world) | {
        "active": 2,
        "ready": 2,
        "terminating": 0,
        "startTime": "2026-01-01T12:00:03Z",
    }

    end(world)
    assert len(running(world)) == 2
    assert status(world)["succeeded"] == 1
    end(world)
    end(world)

    done = status(world)
    assert (done["succeeded"], done.get("active"), done["ready"]) == (3, None, 0)
    assert done["uncountedTerminatedPods"] == {}
    assert done["completionTime"]
    assert [one["type"] for one in done["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert said(world, "Complete") == ("CompletionsReached", "Reached expected number of succeeded pods")
    assert jobs.state(job_of(world)) == "Complete"
    assert world.events("Completed") == ["Job completed"]
    assert len(world.events("SuccessfulCreate")) == 3
    assert len(world.all("Pod")) == 3
    assert not any(pods.is_tracked(pod) for pod in world.all("Pod"))


def test_pods_carry_the_labels_of_their_job_and_its_finalizer(world: World) -> None:
    job = start(world)
    (pod,) = world.all("Pod")
    uid = job["metadata"]["uid"]
    labels = dict.fromkeys(jobs.NAME_LABELS, "sum") | dict.fromkeys(jobs.UID_LABELS, uid)
    assert pod["metadata"]["labels"] == labels
    assert job["metadata"]["labels"] == labels
    assert job["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert pod["metadata"]["finalizers"] == ["batch.kubernetes.io/job-tracking"]
    assert pod["metadata"]["name"].startswith("sum-")


def test_indexed_pods_know_their_index(world: World) -> None:
    start(world, completions=3, parallelism=3, completionMode="Indexed")
    for index, pod in enumerate(sorted(world.all("Pod"), key=index_of)):
        assert pod["metadata"]["labels"][pods.INDEX] == str(index)
        assert pod["metadata"]["name"].startswith(f"sum-{index}-")
        assert pod["spec"]["hostname"] == f"sum-{index}"
        variable = pod["spec"]["containers"][0]["env"][0]
        assert variable["name"] == births.INDEX_VARIABLE
        assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{pods.INDEX}']"
    end(world, index=2)
    assert status(world)["completedIndexes"] == "2"
    end(world, index=0)
    end(world, index=1)
    assert status(world)["completedIndexes"] == "0-2"
    assert jobs.state(job_of(world)) == "Complete"


def test_an_index_that_fails_is_tried_again(world: World) -> None:
    start(world, completions=2, parallelism=2, completionMode="Indexed")
    end(world, 1, index=1)
    assert [index_of(pod) for pod in running(world)] == [0]
    world.advance(10)
    assert sorted(index_of(pod) for pod in running(world)) == [0, 1]


def test_a_failure_is_followed_by_a_wait_that_doubles(world: World) -> None:
    start(world, backoffLimit=4)
    for seconds in (10, 20, 40):
        end(world, 1)
        world.advance(seconds - 1)
        assert running(world) == []
        world.advance(1.5)
        assert len(running(world)) == 1


def test_a_job_that_fails_too_often_has_failed(world: World) -> None:
    start(world, backoffLimit=1, parallelism=1)
    end(world, 1)
    world.advance(10)
    end(world, 3)
    assert status(world)["failed"] == 2
    assert said(world, "FailureTarget") == said(world, "Failed")
    assert said(world, "Failed") == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    assert world.events("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]
    world.advance(3600)
    assert len(world.all("Pod")) == 2


def test_what_still_runs_when_a_job_fails_is_stopped_and_counted_failed(world: World) -> None:
    start(world, completions=2, parallelism=2, backoffLimit=0)
    end(world, 1)
    assert running(world) == []
    assert status(world)["failed"] == 2
    assert status(world)["terminating"] == 0
    assert jobs.state(job_of(world)) == "Failed"


def test_restarts_inside_the_pod_count_with_on_failure(world: World) -> None:
    start(world, restart="OnFailure", backoffLimit=1)
    (pod,) = running(world)
    world.exit(pod, 1)
    assert said(world, "Failed")[0] == "BackoffLimitExceeded"
    assert world.all("Pod") == []


def test_a_job_without_completions_is_done_when_one_has_succeeded_and_all_have_ended(world: World) -> None:
    start(world, parallelism=3)
    assert len(running(world)) == 3
    end(world)
    assert len(running(world)) == 2
    assert jobs.state(job_of(world)) == "Running"
    end(world)
    end(world, 1)
    assert jobs.state(job_of(world)) == "Complete"
    assert len(world.all("Pod")) == 3


def test_parallelism_goes_up_and_down(world: World) -> None:
    start(world, completions=5, parallelism=1)
    world.patch("Job", "sum", {"spec": {"parallelism": 4}})
    world.settle()
    assert len(running(world)) == 4
    world.patch("Job", "sum", {"spec": {"parallelism": 2}})
    world.settle()
    assert len(running(world)) == 2
    assert status(world).get("failed") is None
    assert len(world.all("Pod")) == 2


def test_a_suspended_job_has_no_pods_and_resumes(world: World) -> None:
    start(world, suspend=True)
    assert world.all("Pod") == []
    assert "startTime" not in status(world)
    assert said(world, "Suspended") == ("JobSuspended", "Job suspended")
    world.advance(60)
    world.patch("Job", "sum", {"spec": {"suspend": False}})
    world.settle()
    assert len(running(world)) == 1
    assert world.events("Resumed") == ["Job resumed"]
    assert status(world)["startTime"] == "2026-01-01T12:01:03Z"

    world.patch("Job", "sum", {"spec": {"suspend": True}})
    world.settle()
    assert world.all("Pod") == []
    assert status(world).get("failed") is None
    assert jobs.state(job_of(world)) == "Suspended"


def test_a_job_that_takes_too_long_has_failed(world: World) -> None:
    start(world, activeDeadlineSeconds=30)
    world.advance(29)
    assert len(running(world)) == 1
    world.advance(2)
    assert said(world, "Failed") == ("DeadlineExceeded", "Job was active longer than specified deadline")
    assert world.all("Pod") == []


def test_a_finished_job_goes_when_its_time_to_live_is_over(world: World) -> None:
    start(world, ttlSecondsAfterFinished=60)
    end(world)
    world.advance(59)
    assert len(world.all("Job")) == 1
    world.advance(2)
    assert world.all("Job") == []
    assert world.all("Pod") == []
    assert world.runtime.sandboxes() == []


@pytest.mark.parametrize("propagation", [None, "Foreground", "Background"])
def test_deleting_a_job_deletes_its_pods(world: World, propagation: str | None) -> None:
    start(world, completions=3, parallelism=2)
    end(world)
    world.delete("Job", "sum", propagation=propagation)
    world.advance(40)
    assert world.all("Job") == []
    assert world.all("Pod") == []
    assert world.runtime.sandboxes() == []


def test_orphaned_pods_live_on_without_the_finalizer(world: World) -> None:
    start(world)
    world.delete("Job", "sum", propagation="Orphan")
    world.advance(5)
    (pod,) = running(world)
    assert "ownerReferences" not in pod["metadata"]
    assert not pods.is_tracked(pod)
    world.delete("Pod", pod["metadata"]["name"])
    world.advance(40)
    assert world.all("Pod") == []


def test_a_namespace_with_jobs_goes(world: World) -> None:
    start(world, completions=2, parallelism=2)
    world.delete("Namespace", "shop", namespace="")
    world.advance(60)
    assert world.all("Namespace", None) == []
    assert world.all("Pod", None) == []


def test_a_pod_that_is_deleted_by_hand_has_failed_and_is_replaced(world: World) -> None:
    start(world)
    (pod,) = running(world)
    world.delete("Pod", pod["metadata"]["name"])
    world.advance(15)
    assert status(world)["failed"] == 1
    (other,) = world.all("Pod")
    assert other["metadata"]["uid"] != pod["metadata"]["uid"]


def test_with_replacement_policy_failed_a_pod_is_replaced_when_it_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(world, podReplacementPolicy="Failed")
    (pod,) = running(world)
    monkeypatch.setattr(Simulated, "terminate", lambda *args, **kwargs: None)
    world.patch("Job", "sum", {"spec": {"suspend": False}})
    world.delete("Pod", pod["metadata"]["name"], grace_seconds=30)
    world.advance(20)
    assert (status(world)["terminating"], status(world).get("failed")) == (1, None)
    world.advance(11)
    assert status(world)["failed"] == 1
    assert status(world)["terminating"] == 0


def test_a_pod_without_a_node_that_is_deleted_has_failed_too(world: World) -> None:
    world.runtime = Simulated(clock=world.runtime._clock, capacity=world.runtime.capacity().__class__(0, 0))
    world.reborn()
    start(world, podReplacementPolicy="Failed")
    (pod,) = world.all("Pod")
    assert not pod["spec"].get("nodeName")
    world.delete("Pod", pod["metadata"]["name"])
    world.advance(1)
    assert status(world)["failed"] == 1


# Policies


def rules(*some: JSON) -> JSON:
    return {"rules": list(some)}


def codes(action: str, *values: int, operator: str = "In") -> JSON:
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(values)}}


def test_an_exit_code_may_fail_the_whole_job(world: World) -> None:
    start(world, completions=2, parallelism=2, podFailurePolicy=rules(codes("FailJob", 42)))
    (first, _) = running(world)
    world.exit(first, 42)
    name = first["metadata"]["name"]
    message = f"Container app for pod shop/{name} failed with exit code 42 matching FailJob rule at index 0"
    assert said(world, "Failed") == ("PodFailurePolicy", message)
    assert status(world)["failed"] == 2


def test_ignored_failures_do_not_count(world: World) -> None:
    start(world, backoffLimit=0, podFailurePolicy=rules(codes("Ignore", 7), codes("Count", 0, operator="NotIn")))
    end(world, 7)
    world.advance(11)
    assert status(world).get("failed") is None
    assert len(running(world)) == 1
    end(world, 8)
    assert jobs.state(job_of(world)) == "Failed"


def test_each_index_has_its_own_limit(world: World) -> None:
    start(world, completions=2, parallelism=2, completionMode="Indexed", backoffLimitPerIndex=1)
    end(world, 1, index=0)
    assert status(world).get("failed") is None
    world.advance(10)
    (again,) = [pod for pod in running(world) if index_of(pod) == 0]
    assert again["metadata"]["annotations"][pods.FAILURES] == "1"
    end(world, 1, index=0)
    assert status(world)["failedIndexes"] == "0"
    assert [index_of(pod) for pod in running(world)] == [1]
    end(world, index=1)
    assert said(world, "Failed") == ("FailedIndexes", "Job has failed indexes")
    assert (status(world)["completedIndexes"], status(world)["failed"]) == ("1", 2)


def test_too_many_failed_indexes_fail_the_job(world: World) -> None:
    spec: JSON = {"completions": 4, "parallelism": 4, "completionMode": "Indexed"}
    start(world, **spec, backoffLimitPerIndex=0, maxFailedIndexes=1)
    end(world, 1, index=0)
    assert jobs.state(job_of(world)) == "Running"
    end(world, 1, index=2)
    assert said(world, "Failed")[0] == "MaxFailedIndexesExceeded"
    assert status(world)["failedIndexes"] == "0,2"


def test_an_exit_code_may_fail_its_index_at_once(world: World) -> None:
    spec: JSON = {"completions": 2, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 5}
    start(world, **spec, podFailurePolicy=rules(codes("FailIndex", 42)))
    end(world, 42, index=1)
    assert status(world)["failedIndexes"] == "1"
    world.advance(30)
    assert [index_of(pod) for pod in running(world)] == [0]


def test_a_leader_that_succeeds_may_be_enough(world: World) -> None:
    spec: JSON = {"completions": 3, "parallelism": 3, "completionMode": "Indexed"}
    start(world, **spec, successPolicy=rules({"succeededIndexes": "0"}))
    end(world, index=0)
    assert said(world, "Complete") == ("SuccessPolicy", "Matched rules at index 0")
    assert (status(world)["succeeded"], status(world).get("failed")) == (1, None)
    assert len(world.all("Pod")) == 1


def test_an_indexed_job_grows_and_shrinks(world: World) -> None:
    start(world, completions=2, parallelism=2, completionMode="Indexed")
    world.patch("Job", "sum", {"spec": {"completions": 3, "parallelism": 3}})
    world.settle()
    assert sorted(index_of(pod) for pod in running(world)) == [0, 1, 2]
    world.patch("Job", "sum", {"spec": {"completions": 1, "parallelism": 1}})
    world.settle()
    assert [index_of(pod) for pod in running(world)] == [0]


def test_a_manual_selector_takes_in_what_it_matches(world: World) -> None:
    pod = manifests.pod("one", restartPolicy="Never")
    world.create(pod)
    world.settle()
    job = manifests.job(manualSelector=True, selector={"matchLabels": {"app": "one"}})
    job["spec"]["template"]["metadata"] = {"labels": {"app": "one"}}
    world.create(job)
    world.settle()
    (taken,) = world.all("Pod")
    assert taken["metadata"]["ownerReferences"][0]["name"] == "sum"
    assert pods.is_tracked(taken)
    world.exit(taken)
    assert status(world)["succeeded"] == 1
