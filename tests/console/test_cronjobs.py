"""The pages of CronJobs: when, how it went, and what happens at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from billing import meter
from console import rows
from tests.console import scenes
from tests.console.test_jobs import COMPLETE, FAILED
from tests.console.test_pages import text_of

CRONJOBS = "/namespaces/shop/cronjobs/"


def cronjob(name: str) -> dict[str, Any]:
    return scenes.person().get("CronJob", name, "shop")


def jobs() -> dict[str, dict[str, Any]]:
    return {job["metadata"]["name"]: job for job in scenes.person().list("Job", "shop").items}


def test_the_list_says_when_in_words_and_in_cron(shop: None, browser: Browser) -> None:
    scenes.cronjob("nightly", schedule="0 3 * * 1-5", timeZone="Europe/Berlin")

    text = text_of(browser, CRONJOBS)

    assert re.search(r"nightly Active At 03:00 on weekdays 0 3 \* \* 1-5 · Europe/Berlin in \d+ \w+", text)
    assert "web Active Every 5 minutes */5 * * * * · UTC" in text


def test_a_cronjob_whose_last_job_failed_says_why(shop: None, browser: Browser) -> None:
    scenes.job("web-1", owner=cronjob("web"), status=FAILED)

    text = text_of(browser, f"{CRONJOBS}?state=look")

    assert "web Failing its last Job failed: BackoffLimitExceeded: 7 pods failed, its backoff limit is 6" in text


def test_one_that_did_well_since_is_active_again(shop: None, browser: Browser) -> None:
    scenes.job("web-1", owner=cronjob("web"), status=FAILED)
    scenes.job("web-2", owner=cronjob("web"), status=COMPLETE)

    assert "web Active" in text_of(browser, CRONJOBS)


def test_the_next_runs_are_told_in_the_zone_of_the_schedule(shop: None, browser: Browser) -> None:
    scenes.cronjob("nightly", schedule="0 3 * * *", timeZone="Asia/Shanghai")

    text = text_of(browser, f"{CRONJOBS}nightly/")

    assert "At 03:00 every day, Asia/Shanghai time." in text
    assert len(re.findall(r"\w{3} \d+ \w{3} \d{4}, 03:00 in \d+", text)) == 5


def test_one_that_is_suspended_has_no_next_run(shop: None, browser: Browser) -> None:
    browser.post(f"{CRONJOBS}web/suspend/", {"suspend": "true"})
    assert cronjob("web")["spec"]["suspend"] is True
    assert "no Job is made until it is resumed" in text_of(browser, f"{CRONJOBS}web/")

    browser.post(f"{CRONJOBS}web/suspend/", {"suspend": "false"})
    assert cronjob("web")["spec"]["suspend"] is False


def test_run_now_makes_the_job_that_kubectl_would(shop: None, browser: Browser) -> None:
    response = browser.post(f"{CRONJOBS}web/run/", {"name": "web-now"})

    assert response.headers["Location"] == "/namespaces/shop/jobs/web-now/"
    made = jobs()["web-now"]["metadata"]
    assert made["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert made["ownerReferences"][0]["uid"] == cronjob("web")["metadata"]["uid"]


@pytest.mark.parametrize("wrong", ["", "Not A Name", "web"])
def test_a_name_that_cannot_be_is_refused_at_its_field(shop: None, browser: Browser, wrong: str) -> None:
    response = browser.post(f"{CRONJOBS}web/run/", {"name": wrong})

    assert response.status_code == 422
    assert b'id="id_name_error"' in response.content


def test_a_job_leads_to_its_cronjob_and_back(shop: None, browser: Browser) -> None:
    scenes.job("web-1", owner=cronjob("web"), status=COMPLETE)

    assert f'href="{CRONJOBS}web/"' in browser.get("/namespaces/shop/jobs/web-1/").content.decode()
    assert "web-1 Complete" in text_of(browser, f"{CRONJOBS}web/jobs/")
    assert "web-1" in text_of(browser, f"{CRONJOBS}web/cost/")


def test_deleting_a_cronjob_says_what_goes_and_marks_it(shop: None, browser: Browser) -> None:
    scenes.job("web-1", owner=cronjob("web"), status=COMPLETE)
    assert "removes the 1 Job that is kept" in text_of(browser, f"{CRONJOBS}web/delete/")

    browser.post(f"{CRONJOBS}web/delete/", {"word": "web"})

    assert cronjob("web")["metadata"]["deletionTimestamp"]


def test_a_run_of_more_pods_than_are_looked_at_costs_what_all_of_them_do(
    shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PODS_LOOKED_AT", 1)
    run = scenes.job("web-1", owner=cronjob("web"), status={"active": 2, "ready": 2})
    for name in ("web-1-a", "web-1-b"):
        scenes.pod(name, owner=run, status=scenes.running())
    while meter.read_once():
        pass

    lines = browser.get(f"{CRONJOBS}web/cost/").content.decode().partition('id="cost"')[2].partition("</table>")[0]

    assert [float(rate) * 3600 for rate in re.findall(r'tick-rate-value="([^"]*)"', lines)] == [pytest.approx(0.2322)]


def test_a_work_queue_is_told_as_one(shop: None, browser: Browser) -> None:
    made = scenes.cronjob("queue")
    assert "Each Job 1 pod" in text_of(browser, f"{CRONJOBS}queue/")

    made["spec"]["jobTemplate"]["spec"]["parallelism"] = 5
    scenes.person().update("CronJob", "queue", made, "shop")

    assert "Each Job until one pod succeeds, 5 at a time" in text_of(browser, f"{CRONJOBS}queue/")


def test_no_cronjobs_yet_says_what_one_is_for(browser: Browser) -> None:
    scenes.namespace("shop")

    assert "A CronJob makes a Job whenever its time has come" in text_of(browser, CRONJOBS)
