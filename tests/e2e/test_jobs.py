"""Jobs and CronJobs, by the real kubectl on real Docker."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from tests.stack import Stack

pytestmark = pytest.mark.timeout(180)
JSON = dict[str, Any]


def wait_for(stack: Stack, namespace: str, job: str, condition: str) -> JSON:
    stack.kubectl("-n", namespace, "wait", f"--for=condition={condition}", f"job/{job}", "--timeout=50s")
    return stack.get("job", job, "-n", namespace)


def placed(manifest: JSON, namespace: str) -> JSON:
    manifest["metadata"]["namespace"] = namespace
    return manifest


def test_a_job_runs_to_its_end_and_goes_with_its_pods(stack: Stack, namespace: str) -> None:
    stack.apply(placed(manifests.job(completions=3, parallelism=2), namespace))
    job = wait_for(stack, namespace, "sum", "Complete")
    assert job["status"]["succeeded"] == 3
    assert stack.kubectl("-n", namespace, "get", "jobs").splitlines()[1].split()[:3] == ["sum", "Complete", "3/3"]
    told = stack.kubectl("-n", namespace, "describe", "job", "sum")
    assert "0 Active (0 Ready) / 3 Succeeded / 0 Failed" in told
    assert "Job completed" in told

    stack.kubectl("-n", namespace, "delete", "job", "sum")
    stack.wait(lambda: not stack.get("pods", "-n", namespace)["items"], what="the pods to be gone")


def test_indexed_pods_print_their_index(stack: Stack, namespace: str) -> None:
    say = ("sh", "-c", "echo index $JOB_COMPLETION_INDEX on $(hostname)")
    spec: JSON = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
    stack.apply(placed(manifests.job("many", command=say, **spec), namespace))
    job = wait_for(stack, namespace, "many", "Complete")
    assert job["status"]["completedIndexes"] == "0,1"
    for index in "01":
        label = f"batch.kubernetes.io/job-completion-index={index}"
        assert stack.kubectl("-n", namespace, "logs", "-l", label).strip() == f"index {index} on many-{index}"


def test_a_job_that_fails_twice_has_failed(stack: Stack, namespace: str) -> None:
    stack.apply(placed(manifests.job("bad", command=("sh", "-c", "exit 3"), backoffLimit=1), namespace))
    job = wait_for(stack, namespace, "bad", "Failed")
    assert job["status"]["failed"] == 2
    assert [one["reason"] for one in job["status"]["conditions"]] == ["BackoffLimitExceeded"] * 2


def test_a_cronjob_is_run_by_hand(stack: Stack, namespace: str) -> None:
    stack.apply(placed(manifests.cronjob(schedule="@yearly"), namespace))
    made = stack.kubectl("-n", namespace, "create", "job", "now", "--from=cronjob/tick")
    assert "job.batch/now created" in made
    job = wait_for(stack, namespace, "now", "Complete")
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    listed = stack.kubectl("-n", namespace, "get", "cronjobs").splitlines()[1].split()
    assert listed[:5] == ["tick", "@yearly", "<none>", "False", "0"]
    stack.wait(
        lambda: stack.get("cronjob", "tick", "-n", namespace)["status"].get("lastSuccessfulTime"),
        what="the CronJob to see its Job succeed",
    )
    stack.kubectl("-n", namespace, "delete", "cronjob", "tick")
    stack.wait(lambda: not stack.get("jobs,pods", "-n", namespace)["items"], what="the Job and its pod to be gone")


def test_jobs_are_created_without_a_manifest(stack: Stack, namespace: str) -> None:
    def create(*words: str) -> str:
        dry = ("--dry-run=server", "-o", "jsonpath={.spec}")
        return stack.kubectl("-n", namespace, "create", *words, f"--image={manifests.IMAGE}", *dry)

    assert '"backoffLimit":6' in create("job", "one")
    assert '"schedule":"*/5 * * * *"' in create("cronjob", "two", "--schedule=*/5 * * * *")
