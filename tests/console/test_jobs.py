"""The pages of Jobs: what they say, what they change, and what they make."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from billing import meter
from console import lists, rows
from tests.console import scenes
from tests.console.test_pages import text_of

JOBS = "/namespaces/shop/jobs/"
COMPLETE = {"succeeded": 1, "conditions": [scenes.ended("Complete", "CompletionsReached")]}
FAILED = {"failed": 7, "conditions": [scenes.ended("Failed", "BackoffLimitExceeded")]}


@pytest.fixture
def jobs(shop: None) -> None:
    """Beside `web`, which is at work: one that is done, one that failed, one that is suspended."""
    scenes.job("done", status=COMPLETE)
    scenes.job("broken", status=FAILED)
    scenes.job("paused", suspend=True, status={"startTime": None})


def job(name: str) -> dict[str, Any]:
    return scenes.person().get("Job", name, "shop")


def test_the_list_says_how_far_each_job_is(jobs: None, browser: Browser) -> None:
    text = text_of(browser, JOBS)

    assert re.search(r"web Running 2 of 5 done 2/5", text)
    assert "Failed BackoffLimitExceeded: 7 pods failed, its backoff limit is 6" in text
    assert "0.25 cores · 1 GiB" in text


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("state=look", "broken", "paused"),
        ("state=running", "jobs/web/", "broken"),
        ("state=suspended", "paused", "broken"),
        ("state=complete", "jobs/done/", "paused"),
        ("state=failed", "broken", "paused"),
        ("q=paus", "paused", "broken"),
    ],
)
def test_jobs_are_filtered_by_what_the_address_says(
    jobs: None, browser: Browser, query: str, seen: str, unseen: str
) -> None:
    page = browser.get(f"{JOBS}?{query}").content.decode().partition('id="jobs"')[2]

    assert seen in page
    assert unseen not in page


def test_long_lists_of_jobs_are_paged(shop: None, browser: Browser) -> None:
    for number in range(101):
        scenes.job(f"many-{number:03d}")

    first = browser.get(JOBS).content.decode()
    found = re.search(r'href="([^"]*continue=[^"]*)"', first)
    assert found
    second = browser.get(found[1].replace("&amp;", "&")).content.decode()

    seen = [set(re.findall(r"jobs/(many-\d{3})/", page)) for page in (first, second)]
    assert len(seen[0]) == 50
    assert not seen[0] & seen[1]


def test_no_jobs_yet_says_what_one_is_for(browser: Browser) -> None:
    scenes.namespace("shop")

    assert "A Job runs pods until enough of them have succeeded" in text_of(browser, JOBS)


def test_an_indexed_job_shows_each_index(shop: None, browser: Browser) -> None:
    spec = {"completions": 4, "completionMode": "Indexed", "backoffLimitPerIndex": 0}
    scenes.job("parts", **spec, status={"active": 1, "completedIndexes": "0,2", "failedIndexes": "3"})

    page = browser.get(f"{JOBS}parts/").content.decode()

    assert "indexes completed: 0,2; failed: 3" in page
    assert re.findall(r"pips__pip--(\w+)", page) == ["ok", "none", "ok", "bad"]


def test_a_job_that_will_be_removed_says_when(shop: None, browser: Browser) -> None:
    scenes.job("short", ttlSecondsAfterFinished=3000, status=COMPLETE)

    text = text_of(browser, f"{JOBS}short/")

    assert re.search(r"Will be removed in \d+ min at [-\d]+ [:\d]+ UTC", text), text


def test_a_job_lists_its_pods_and_each_leads_back(shop: None, browser: Browser) -> None:
    scenes.pod("web-abcde", owner=job("web"), status=scenes.running())

    assert "web-abcde" in text_of(browser, f"{JOBS}web/pods/")
    assert f'href="{JOBS}web/"' in browser.get("/namespaces/shop/pods/web-abcde/").content.decode()
    assert "web-abcde" in text_of(browser, "/namespaces/shop/pods/?source=Job")


def test_what_a_job_of_a_cronjob_cost_is_the_sum_of_its_pods(shop: None, browser: Browser) -> None:
    owner = {"kind": "CronJob", "apiVersion": "batch/v1", "metadata": {"name": "tick", "uid": "11-22"}}
    made = scenes.job("tick-1", owner=owner, status={"active": 2})
    for name in ("tick-1-aaaaa", "tick-1-bbbbb"):
        scenes.pod(name, owner=made, status=scenes.running(600))
    while meter.read_once():
        pass

    text = text_of(browser, f"{JOBS}tick-1/")

    assert "Cost of its pods that are here" in text
    assert "¥0.2322 an hour" in text


@pytest.mark.parametrize("owner", [None, {"kind": "CronJob", "metadata": {"name": "tick", "uid": "11-22"}}])
def test_a_job_of_more_pods_than_are_shown_has_its_whole_price_and_state(
    shop: None, browser: Browser, owner: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PODS_LOOKED_AT", 2)
    made = scenes.job("wide", owner=owner, status={"active": 3, "ready": 1, "succeeded": 2}, completions=9)
    for name, status in {"a": {"phase": "Succeeded"}, "b": {"phase": "Succeeded"}}.items():
        scenes.pod(f"wide-{name}", owner=made, status=status)
    for name, status in {"c": scenes.pulling(), "d": scenes.pulling(), "e": scenes.running()}.items():
        scenes.pod(f"wide-{name}", owner=made, status=status)
    while meter.read_once():
        pass

    assert re.search(r"wide .*Running 2 of 9 done .*¥0.3483", text_of(browser, JOBS))
    assert "2 are shown. All its pods" in text_of(browser, f"{JOBS}wide/cost/")
    assert "¥0.3483 an hour" in text_of(browser, f"{JOBS}wide/cost/")


def test_the_overview_looks_at_every_job(shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "CHUNK", 2)
    for name in ("aa", "bb", "cc", "dd"):
        scenes.job(name, status=COMPLETE)
    scenes.job("zz", status=FAILED)

    assert "zz shop Failed BackoffLimitExceeded" in text_of(browser, "/")


def test_a_job_is_suspended_and_goes_on(shop: None, browser: Browser) -> None:
    assert "Suspend Job web?" in text_of(browser, f"{JOBS}web/suspend/")
    browser.post(f"{JOBS}web/suspend/", {"suspend": "true"})
    assert job("web")["spec"]["suspend"] is True

    assert "Resume Job web?" in text_of(browser, f"{JOBS}web/suspend/")
    browser.post(f"{JOBS}web/suspend/", {"suspend": "false"})
    assert job("web")["spec"]["suspend"] is False


def test_parallelism_is_changed(shop: None, browser: Browser) -> None:
    response = browser.post(f"{JOBS}web/scale/", {"parallelism": "4"})

    assert response.status_code == 302
    assert job("web")["spec"]["parallelism"] == 4


@pytest.mark.parametrize("wrong", ["-1", "many", "", "100000"])
def test_a_parallelism_that_is_none_is_refused_at_the_field(shop: None, browser: Browser, wrong: str) -> None:
    response = browser.post(f"{JOBS}web/scale/", {"parallelism": wrong})

    assert response.status_code == 422
    assert b'id="id_parallelism_error"' in response.content


def test_a_finished_job_runs_again_under_a_new_name(jobs: None, browser: Browser) -> None:
    response = browser.post(f"{JOBS}broken/again/", {"name": "mended"})

    assert response.headers["Location"] == f"{JOBS}mended/"
    old, new = job("broken"), job("mended")
    assert new["spec"]["template"]["spec"] == old["spec"]["template"]["spec"]
    assert new["spec"]["selector"] != old["spec"]["selector"]
    assert not jobs_end(new)


def test_a_name_that_is_taken_is_refused_at_its_field(jobs: None, browser: Browser) -> None:
    response = browser.post(f"{JOBS}broken/again/", {"name": "done"})

    assert response.status_code == 422
    assert "shop has a Job of this name already" in response.content.decode()
    assert 'value="done"' in response.content.decode()


def test_deleting_a_job_says_what_goes_and_marks_it(shop: None, browser: Browser) -> None:
    scenes.pod("web-abcde", owner=job("web"), status=scenes.running())
    text = text_of(browser, f"{JOBS}web/delete/")
    assert "It removes 1 pod, with what it wrote to its disk" in text
    assert "Logs stay under Ended pods for 7 days at most" in text

    browser.post(f"{JOBS}web/delete/", {"word": "web"})

    assert job("web")["metadata"]["deletionTimestamp"]


def test_the_overview_shows_failed_jobs_until_a_later_one_did_well(jobs: None, browser: Browser) -> None:
    owner = {"kind": "CronJob", "apiVersion": "batch/v1", "metadata": {"name": "tick", "uid": "11-22"}}
    scenes.job("tick-1", owner=owner, status=FAILED)
    assert "tick-1 shop Failed" in text_of(browser, "/")

    scenes.job("tick-2", owner=owner, status=COMPLETE)
    text = text_of(browser, "/")

    assert "broken shop Failed BackoffLimitExceeded" in text
    assert "tick-1" not in text


def test_a_job_is_found_by_its_name(jobs: None, browser: Browser) -> None:
    assert "broken shop" in text_of(browser, "/search/?q=brok")


def jobs_end(made: dict[str, Any]) -> list[Any]:
    return list((made.get("status") or {}).get("conditions") or [])
