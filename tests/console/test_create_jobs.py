"""The forms of Jobs and CronJobs: fields to manifests, refusals at their fields, times that are told before."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser

from billing import client as billing
from console.forms.drafts import FieldError, placed, together
from console.forms.jobs import CronJobDraft, JobDraft
from console.forms.schedules import ScheduleDraft
from tests import manifests
from tests.console import scenes
from tests.console.test_create import chosen_in, said_at, step_of, value_of
from workloads.kinds import registry
from workloads.kinds.schedules import ScheduleError

pytestmark = pytest.mark.django_db
"""The grid of pod specifications is the operator's table."""
JSON = dict[str, Any]
SUM = {
    "step": "basic",
    "name": "sum",
    "namespace": "shop",
    "size": "0.50_1.0",
    "containers-0-name": "app",
    "containers-0-image": manifests.IMAGE,
    "containers-0-command": "true",
}
NIGHTLY = SUM | {"name": "nightly", "rule": "daily", "time": "02:30", "zone": "Europe/Berlin"}


def job_spec(**fields: str) -> JSON:
    """What the form says of a Job, its pods apart."""
    (manifest,) = JobDraft.read(SUM | fields).manifests()
    return {name: value for name, value in manifest["spec"].items() if name != "template"}


def said(draft: JobDraft | CronJobDraft) -> list[FieldError]:
    """All that the form and the kind's own rules say."""
    (manifest,) = draft.manifests()
    manifest["metadata"]["uid"] = "4711"
    kind = registry.kind(draft.KIND)
    kind.default(manifest)
    if kind.prepare is not None:
        kind.prepare(manifest, None)
    return together(draft.problems(), placed(draft, kind.validate(manifest, None)))


# A Job


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, {}),
        ({"completions": "9", "parallelism": "3", "indexed": "on"}, {}),
        (
            {"mode": "custom", "completions": "9", "parallelism": "3"},
            {"completions": 9, "parallelism": 3},
        ),
        (
            {"mode": "custom", "completions": "2", "indexed": "on"},
            {"completions": 2, "parallelism": 1, "completionMode": "Indexed"},
        ),
        (
            {"timeout": "60", "retries": "0", "ttl": "3600"},
            {"activeDeadlineSeconds": 60, "backoffLimit": 0, "ttlSecondsAfterFinished": 3600},
        ),
    ],
)
def test_what_a_job_is_asked_to_do(fields: dict[str, str], made: JSON) -> None:
    assert job_spec(**fields) == made


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_what_happens_after_a_failure_is_the_restart_policy(policy: str) -> None:
    (manifest,) = JobDraft.read(SUM | {"restart_policy": policy}).manifests()
    assert manifest["spec"]["template"]["spec"]["restartPolicy"] == policy
    assert said(JobDraft.read(SUM | {"restart_policy": policy})) == []


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"name": "Sum_"}, "name", "lower case"),
        ({"mode": "custom", "completions": "many"}, "completions", "whole number"),
        ({"mode": "custom", "parallelism": "-2"}, "parallelism", "equal to 0"),
        ({"timeout": "soon"}, "timeout", "whole number"),
        ({"timeout": "-1"}, "timeout", "equal to 0"),
        ({"retries": "-1"}, "retries", "equal to 0"),
        ({"ttl": "-1"}, "ttl", "equal to 0"),
        ({"restart_policy": "Always"}, "restart_policy", "OnFailure"),
        ({"containers-0-image": "Not An Image"}, "containers-0-image", "lower case"),
        ({"containers-0-mount-0-path": "x"}, "containers-0-mount-0-path", "absolute"),
        ({"grace_seconds": "-1"}, "grace_seconds", "from 0"),
    ],
)
@pytest.mark.parametrize("read", [JobDraft.read, CronJobDraft.read])
def test_a_refusal_stands_at_its_field(read: Any, fields: dict[str, str], field: str, sentence: str) -> None:
    draft = read(SUM | fields)
    found = [error.message for error in said(draft) if error.field == field]

    assert any(sentence in message for message in found), said(draft)
    assert draft.step_of(field) == ("basic" if field in (*SUM, "containers-0-mount-0-path") else draft.STEPS[1])


def test_three_steps_and_a_job(shop: None, browser: Browser) -> None:
    form = SUM | {"mode": "custom", "completions": "4", "parallelism": "2", "timeout": "60"}
    assert step_of(browser.post("/create/job/", form | {"go": "advanced"})) == "advanced"
    confirm = browser.post("/create/job/", form | {"step": "advanced", "go": "confirm"})
    assert step_of(confirm) == "confirm"
    assert "4 pods have to succeed, 2 side by side" in confirm.content.decode()

    assert browser.post("/create/job/", form | {"step": "confirm", "go": "submit"}).status_code == 302
    spec = scenes.person().get("Job", "sum", "shop")["spec"]
    assert (spec["completions"], spec["parallelism"], spec["activeDeadlineSeconds"]) == (4, 2, 60)


def test_the_price_of_a_job_is_of_all_that_run_side_by_side_and_bounded_by_its_timeout(
    shop: None, browser: Browser
) -> None:
    form = SUM | {"mode": "custom", "completions": "4", "parallelism": "2", "timeout": "60", "go": "look"}
    page = browser.post("/create/job/", form).content.decode()

    rate = billing.rate(500, 1024, pods=2)
    assert billing.format_money(rate.per_hour, rate.currency) in page
    assert f"about {billing.format_money(rate.per_second * 60, rate.currency)} a run" in page


def test_a_wrong_number_of_the_second_step_leads_back_to_it_and_stays(shop: None, browser: Browser) -> None:
    response = browser.post("/create/job/", SUM | {"step": "confirm", "retries": "often", "go": "submit"})

    assert response.status_code == 422
    assert step_of(response) == "advanced"
    assert "whole number" in said_at(response, "retries")
    assert value_of(response, "retries") == "often"
    assert value_of(response, "containers-0-command") == "true"


def test_pressing_twice_makes_one_job(shop: None, browser: Browser) -> None:
    before = scenes.person().count("Job", "shop")
    for _press in range(2):
        assert browser.post("/create/job/", SUM | {"step": "confirm", "go": "submit"}).status_code == 302
    assert scenes.person().count("Job", "shop") == before + 1


# A CronJob


@pytest.mark.parametrize(
    ("fields", "cron"),
    [
        ({"rule": "minutes", "every": "15"}, "*/15 * * * *"),
        ({"rule": "minutes", "every": "1"}, "* * * * *"),
        ({"rule": "hourly", "minute": "7"}, "7 * * * *"),
        ({"rule": "daily", "time": "03:05"}, "5 3 * * *"),
        ({"rule": "weekly", "time": "22:00", "weekday-1-on": "on", "weekday-0-on": "on"}, "0 22 * * 0,1"),
        ({"rule": "monthly", "time": "0:30", "day": "31"}, "30 0 31 * *"),
        ({"rule": "cron", "cron": "@hourly"}, "@hourly"),
        ({}, "0 3 * * *"),
    ],
)
def test_a_rule_in_words_is_a_cron_text(fields: dict[str, str], cron: str) -> None:
    (manifest,) = CronJobDraft.read(SUM | fields).manifests()
    assert manifest["spec"]["schedule"] == cron
    assert said(CronJobDraft.read(SUM | fields)) == []


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"rule": "minutes", "every": "7"}, "every", "divide an hour"),
        ({"rule": "hourly", "minute": "60"}, "minute", "0 to 59"),
        ({"rule": "daily", "time": "25:00"}, "time", "hours and minutes"),
        ({"rule": "weekly"}, "weekdays", "at least one day"),
        ({"rule": "monthly", "day": "32"}, "day", "1 to 31"),
        ({"rule": "cron"}, "cron", "five cron fields"),
        ({"rule": "cron", "cron": "1 2 3"}, "cron", "exactly 5 fields"),
        ({"rule": "cron", "cron": "TZ=UTC 1 2 3 * *"}, "cron", "timeZone"),
        ({"zone": "Mars/North"}, "zone", "time zone Mars/North"),
        ({"policy": "Wait"}, "policy", "Forbid"),
        ({"deadline": "-1"}, "deadline", "equal to 0"),
        ({"succeeded_kept": "-1"}, "succeeded_kept", "equal to 0"),
        ({"failed_kept": "x"}, "failed_kept", "whole number"),
        ({"name": "n" * 60}, "name", "52"),
    ],
)
def test_what_is_wrong_with_a_cronjob_stands_at_its_field(fields: dict[str, str], field: str, sentence: str) -> None:
    draft = CronJobDraft.read(NIGHTLY | fields)
    found = [error.message for error in said(draft) if error.field == field]

    assert any(sentence in message for message in found), said(draft)
    assert draft.step_of(field) == ("basic" if field == "name" else "schedule")


def test_what_a_cronjob_says_of_its_runs() -> None:
    numbers = {"policy": "Replace", "deadline": "30", "succeeded_kept": "5", "timeout": "60"}
    (manifest,) = CronJobDraft.read(NIGHTLY | numbers).manifests()

    job = manifest["spec"].pop("jobTemplate")["spec"]
    assert manifest["spec"] == {
        "schedule": "30 2 * * *",
        "timeZone": "Europe/Berlin",
        "concurrencyPolicy": "Replace",
        "startingDeadlineSeconds": 30,
        "successfulJobsHistoryLimit": 5,
    }
    assert job["activeDeadlineSeconds"] == 60
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_the_next_times_are_told_in_the_zone_of_the_schedule() -> None:
    """The clock of Berlin leaps from 2 to 3 on 29 March 2026."""
    draft = ScheduleDraft.read(NIGHTLY)
    times = draft.following(datetime(2026, 3, 27, 12, tzinfo=UTC), 3)
    assert [f"{moment:%d %H:%M %z}" for moment in times] == ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200"]


def test_a_schedule_that_is_not_one_has_no_times() -> None:
    with pytest.raises(ScheduleError, match="five cron fields"):
        ScheduleDraft.read({"rule": "cron"}).following(datetime(2026, 1, 1, tzinfo=UTC), 5)


def test_three_steps_and_a_cronjob(shop: None, browser: Browser) -> None:
    schedule = browser.post("/create/cronjob/", NIGHTLY | {"go": "schedule"})
    assert step_of(schedule) == "schedule"
    assert schedule.content.decode().count("Europe/Berlin · in") == 5

    confirm = unescape(
        browser.post("/create/cronjob/", NIGHTLY | {"step": "schedule", "go": "confirm"}).content.decode()
    )
    assert "at 02:30 every day, Europe/Berlin" in confirm
    assert browser.post("/create/cronjob/", NIGHTLY | {"step": "confirm", "go": "submit"}).status_code == 302
    assert scenes.person().get("CronJob", "nightly", "shop")["spec"]["schedule"] == "30 2 * * *"


def test_what_stands_under_another_rule_is_not_lost(shop: None, browser: Browser) -> None:
    form = NIGHTLY | {"rule": "weekly", "weekday-2-on": "on", "cron": "1 1 1 1 *", "day": "12", "policy": "Allow"}
    response = browser.post("/create/cronjob/", form | {"go": "schedule"})

    assert chosen_in(response, "rule") == "weekly"
    assert (value_of(response, "cron"), value_of(response, "day")) == ("1 1 1 1 *", "12")
    page = response.content.decode()
    assert re.search('name="weekday-2-on" aria-label="Tuesday" checked', page)
    assert re.search('name="policy" value="Allow" checked', page)
