"""Jobs and CronJobs: defaults, what is refused, what may change, what kubectl prints."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import manifests
from workloads.kinds import jobs, registry
from workloads.meta.errors import Cause

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def made(manifest: JSON) -> JSON:
    """As admission completes it."""
    kind, obj = registry.kind(manifest["kind"]), deepcopy(manifest)
    obj["metadata"] |= {"namespace": "shop", "uid": "uid-1", "creationTimestamp": "2026-01-01T11:59:00Z"}
    kind.default(obj)
    kind.prepare(obj, None)
    return obj


def wrong(obj: JSON, old: JSON | None = None) -> list[tuple[str, str]]:
    found: list[Cause] = registry.kind(obj["kind"]).validate(obj, old)
    return [(cause.field, cause.message) for cause in found]


def cells(obj: JSON) -> dict[str, Any]:
    return {column.name: column.cell(obj, NOW) for column in registry.kind(obj["kind"]).columns}


def test_defaults_are_those_of_batch_v1() -> None:
    spec = made(manifests.job())["spec"]
    assert {name: spec[name] for name in ("completions", "parallelism", "backoffLimit", "completionMode")} == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
    }
    assert (spec["suspend"], spec["podReplacementPolicy"]) == (False, "TerminatingOrFailed")
    assert "completions" not in made(manifests.job(parallelism=2))["spec"]
    assert made(manifests.job(completions=2))["spec"]["parallelism"] == 1
    policy = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}
    spec = made(manifests.job(podFailurePolicy=policy))["spec"]
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"


@pytest.mark.parametrize("manifest", [manifests.job(), manifests.cronjob()], ids=lambda one: one["kind"])
def test_a_plain_one_is_right_and_defaults_are_idempotent(manifest: JSON) -> None:
    obj = made(manifest)
    assert wrong(obj) == []
    again = deepcopy(obj)
    registry.kind(obj["kind"]).default(again)
    assert again == obj
    assert wrong(again, obj) == []


INDEXED: JSON = {"completionMode": "Indexed", "completions": 3}


@pytest.mark.parametrize(
    ("spec", "field", "rule"),
    [
        ({"parallelism": -1}, "spec.parallelism", "must be greater than or equal to 0"),
        ({"completionMode": "Random"}, "spec.completionMode", "supported values"),
        ({"completionMode": "Indexed", "parallelism": 2}, "spec.completions", "when completion mode is Indexed"),
        (INDEXED | {"parallelism": 100_001}, "spec.parallelism", "less than or equal to 100000"),
        ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex", "requires indexed completion mode"),
        (INDEXED | {"maxFailedIndexes": 1}, "spec.backoffLimitPerIndex", "when maxFailedIndexes is specified"),
        (
            INDEXED | {"backoffLimitPerIndex": 1, "maxFailedIndexes": 4},
            "spec.maxFailedIndexes",
            "less than or equal to completions",
        ),
        (
            {"completionMode": "Indexed", "completions": 100_001, "backoffLimitPerIndex": 1},
            "spec.maxFailedIndexes",
            "must be specified when completions is above 100000",
        ),
        ({"podReplacementPolicy": "Never"}, "spec.podReplacementPolicy", "supported values"),
        ({"managedBy": "example.com/queue"}, "spec.managedBy", "looked after by the service alone"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "spec.template.metadata.labels", "does not match template"),
        (
            {"selector": {"matchExpressions": [{"key": "job-name", "operator": "Exists"}]}},
            "spec.selector",
            "`selector` not auto-generated",
        ),
        ({"manualSelector": True}, "spec.selector", "Required"),
        ({"restart": "Always"}, "spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'),
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "spec.successPolicy", "requires indexed"),
        (INDEXED | {"successPolicy": {}}, "spec.successPolicy.rules", "at least one rules"),
        (
            INDEXED | {"successPolicy": {"rules": [{"succeededIndexes": "0-3"}]}},
            "spec.successPolicy.rules[0].succeededIndexes",
            "too large index",
        ),
        (
            INDEXED | {"successPolicy": {"rules": [{"succeededIndexes": "0,1", "succeededCount": 3}]}},
            "spec.successPolicy.rules[0].succeededCount",
            "less than or equal to 2",
        ),
        (INDEXED | {"successPolicy": {"rules": [{}]}}, "spec.successPolicy.rules[0]", "at least one of"),
    ],
)
def test_mistakes_are_told_with_field_and_rule(spec: JSON, field: str, rule: str) -> None:
    found = wrong(made(manifests.job(**spec)))
    assert any(where == field and rule in message for where, message in found), found


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        ({"action": "Ignore"}, "", "specifying one of"),
        ({"action": "Explode", "onExitCodes": {"operator": "In", "values": [1]}}, ".action", "supported values"),
        ({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}, ".action", "backoffLimitPerIndex"),
        ({"action": "Count", "onExitCodes": {"operator": "Is", "values": [1]}}, ".onExitCodes.operator", "supported"),
        ({"action": "Count", "onExitCodes": {"operator": "In", "values": []}}, ".onExitCodes.values", "at least one"),
        ({"action": "Count", "onExitCodes": {"operator": "In", "values": [0]}}, ".onExitCodes.values[0]", "not be 0"),
        ({"action": "Count", "onExitCodes": {"operator": "In", "values": [2, 1]}}, ".onExitCodes.values", "ordered"),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": [1, 1]}},
            ".onExitCodes.values[1]",
            "Duplicate",
        ),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": [1], "containerName": "x"}},
            ".onExitCodes.containerName",
            "must be one of",
        ),
        ({"action": "Count", "onPodConditions": [{"type": "?"}]}, ".onPodConditions[0].type", "name part"),
    ],
)
def test_rules_of_a_failure_policy_are_checked(rule: JSON, field: str, words: str) -> None:
    found = wrong(made(manifests.job(podFailurePolicy={"rules": [rule]})))
    assert any(where == f"spec.podFailurePolicy.rules[0]{field}" and words in text for where, text in found), found


def test_policies_about_failures_want_pods_that_never_restart() -> None:
    policy = {"rules": [{"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}}]}
    found = wrong(made(manifests.job(restart="OnFailure", podFailurePolicy=policy)))
    words = 'Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified'
    assert found == [("spec.template.spec.restartPolicy", words)]


def test_the_name_of_an_indexed_job_leaves_room_for_the_index() -> None:
    found = wrong(made(manifests.job("n" * 62, **INDEXED)))
    assert found[0][0] == "metadata.name"
    assert wrong(made(manifests.job("n" * 61, **INDEXED))) == []


def test_labels_of_another_life_are_refused() -> None:
    manifest = manifests.job()
    manifest["spec"]["template"]["metadata"] = {"labels": {"controller-uid": "another"}}
    assert wrong(made(manifest)) == [
        ("spec.template.metadata.labels[controller-uid]", "Invalid value: \"another\": must be 'uid-1'")
    ]


def changed(old: JSON, **spec: Any) -> list[str]:
    new = deepcopy(old)
    new["spec"] |= spec
    return [field for field, _ in wrong(new, old)]


def test_what_a_job_is_stays_and_how_it_runs_may_change() -> None:
    old = made(manifests.job(completions=3))
    assert changed(old, parallelism=3, suspend=True, backoffLimit=1, ttlSecondsAfterFinished=5) == []
    assert changed(old, completions=4) == ["spec.completions"]
    assert "spec.completionMode" in changed(old, completionMode="Indexed")
    template = deepcopy(old["spec"]["template"])
    template["spec"]["containers"][0]["image"] = "other:1"
    assert changed(old, template=template) == ["spec.template"]
    indexed = made(manifests.job(**INDEXED, parallelism=3))
    assert changed(indexed, completions=4) == ["spec.completions"]
    assert changed(indexed, completions=4, parallelism=4) == []


def test_a_job_that_has_never_run_may_change_the_labels_of_its_pods() -> None:
    old = made(manifests.job(suspend=True))
    template = deepcopy(old["spec"]["template"])
    template["metadata"]["labels"]["queue"] = "night"
    assert changed(old, template=template) == []
    old["status"]["startTime"] = "2026-01-01T11:59:00Z"
    assert changed(old, template=template) == ["spec.template"]


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ([], "Running"),
        (["Suspended"], "Suspended"),
        (["FailureTarget"], "FailureTarget"),
        (["SuccessCriteriaMet", "Complete"], "Complete"),
        (["FailureTarget", "Failed"], "Failed"),
    ],
)
def test_the_state_is_one_word(conditions: list[str], word: str) -> None:
    job = made(manifests.job())
    job["status"]["conditions"] = [{"type": type, "status": "True"} for type in conditions]
    assert jobs.state(job) == word


def test_the_columns_are_kubectls() -> None:
    job = made(manifests.job(completions=3))
    job["status"] |= {"succeeded": 1, "startTime": "2026-01-01T11:59:30Z"}
    assert cells(job) == {
        "Name": "sum",
        "Status": "Running",
        "Completions": "1/3",
        "Duration": "30s",
        "Age": "60s",
        "Containers": "app",
        "Images": manifests.IMAGE,
        "Selector": "batch.kubernetes.io/controller-uid=uid-1",
    }
    job["status"]["completionTime"] = "2026-01-01T11:59:35Z"
    assert cells(job)["Duration"] == "5s"
    assert cells(made(manifests.job(parallelism=2)))["Completions"] == "0/1 of 2"
    assert cells(made(manifests.cronjob(timeZone="Asia/Tokyo"))) == {
        "Name": "tick",
        "Schedule": "*/5 * * * *",
        "Timezone": "Asia/Tokyo",
        "Suspend": "False",
        "Active": 0,
        "Last Schedule": "<none>",
        "Age": "60s",
        "Containers": "app",
        "Images": manifests.IMAGE,
        "Selector": "<none>",
    }


def test_jobs_can_be_chosen_by_their_successes() -> None:
    job = made(manifests.job())
    assert registry.kind("Job").field_selectors["status.successful"](job) == "0"


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"schedule": ""}, "spec.schedule", "Required"),
        ({"schedule": "* * *"}, "spec.schedule", "expected exactly 5 fields"),
        ({"schedule": "TZ=UTC * * * * *"}, "spec.schedule", "use timeZone field instead"),
        ({"timeZone": "Mars/Olympus"}, "spec.timeZone", "unknown time zone"),
        ({"timeZone": "Local"}, "spec.timeZone", "explicit time zone"),
        ({"timeZone": ""}, "spec.timeZone", "non-empty"),
        ({"concurrencyPolicy": "Maybe"}, "spec.concurrencyPolicy", "supported values"),
        ({"failedJobsHistoryLimit": -1}, "spec.failedJobsHistoryLimit", "greater than or equal to 0"),
        ({"job_spec": {"manualSelector": True}}, "spec.jobTemplate.spec.manualSelector", "Unsupported"),
        ({"job_spec": {"selector": {}}}, "spec.jobTemplate.spec.selector", "auto-generated"),
        ({"job_spec": {"backoffLimit": -1}}, "spec.jobTemplate.spec.backoffLimit", "greater than or equal to 0"),
    ],
)
def test_mistakes_of_a_cronjob_are_told(spec: JSON, field: str, words: str) -> None:
    found = wrong(made(manifests.cronjob(**spec)))
    assert any(where == field and words in message for where, message in found), found


def test_a_cronjobs_name_leaves_room_for_the_minute() -> None:
    assert wrong(made(manifests.cronjob("n" * 52))) == []
    assert wrong(made(manifests.cronjob("n" * 53)))[0][0] == "metadata.name"
