"""Ended pods: what the list and the page of one tell, and which attempts of a container can be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client as Browser

from console import attempts
from tests.console import scenes
from workloads.client import Kept
from workloads.meta.keys import Uid
from workloads.store import keptlogs

JSON = dict[str, object]
PAGE = f"/ended-pods/{scenes.GONE}/"


def text(browser: Browser, url: str) -> str:
    response = browser.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_says_how_a_pod_ended_and_of_what_it_was(shop: None, browser: Browser) -> None:
    page = text(browser, "/namespaces/shop/ended-pods/")
    assert "1 in shop" in page
    for words in ("lonely-gone", "Failed", "OOMKilled", "kind=Deployment&amp;workload=web", "in 6 d"):
        assert words in page


def test_the_list_of_another_workload_is_empty_and_leads_back(shop: None, browser: Browser) -> None:
    page = text(browser, "/namespaces/shop/ended-pods/?kind=Job&workload=web")
    assert "lonely-gone" not in page
    assert "Nothing matches" in page


def test_what_no_address_of_ours_says_is_no_fault_of_ours(shop: None, browser: Browser) -> None:
    assert "lonely-gone" in text(browser, "/ended-pods/?kind=Deploy%00ment&workload=web%00&q=%00")
    for odd in ("9" * 5000, "\N{SUPERSCRIPT TWO}"):
        answer = browser.get(f"{PAGE}logs/stream/", {"container": "app", "attempt": odd, "tail": odd})
        assert (answer.status_code, b"node agent does not answer" in answer.content) == (503, True)


def test_a_long_list_has_pages(shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.lists.PAGE", 1)
    scenes.ended_pod("another", uid="6f1f0a0e-0000-4000-8000-000000000002")
    first = text(browser, "/ended-pods/")
    following = first.partition("continue=")[2].partition('"')[0]
    second = text(browser, f"/ended-pods/?continue={following}")
    assert ("another" in first, "lonely-gone" in first) == (True, False)
    assert ("another" in second, "lonely-gone" in second) == (False, True)


def test_the_newest_attempt_is_read_first_and_an_older_one_when_asked(shop: None, browser: Browser) -> None:
    scenes.ended_pod(attempts=3)
    assert f'data-log-url-value="{PAGE}logs/stream/?container=app&amp;attempt=2&amp;tail=5000"' in text(browser, PAGE)
    assert "attempt=0&amp;tail=5000" in text(browser, f"{PAGE}?container=app&attempt=0")
    assert "exit 137, out of memory" in text(browser, PAGE)


def test_a_long_log_says_how_much_of_it_is_shown(shop: None, browser: Browser) -> None:
    long = Kept("acme", "shop", "x", Uid(scenes.GONE), "side", 0, None, None, 0, False, 123456, 1, 4096, scenes.NOON)
    keptlogs.put(long)
    assert "of 123,456" in text(browser, f"{PAGE}?container=side")


def test_a_pod_without_logs_says_why(shop: None, browser: Browser) -> None:
    uid = "6f1f0a0e-0000-4000-8000-000000000003"
    scenes.ended_pod("silent", uid=uid, attempts=0)
    assert "None of its containers ran" in text(browser, f"/ended-pods/{uid}/")


def test_the_log_page_of_a_pod_offers_its_attempts(shop: None, browser: Browser) -> None:
    pod = scenes.person().get("Pod", "lonely", "shop")
    old = Kept(
        "acme",
        "shop",
        "lonely",
        pod["metadata"]["uid"],
        "app",
        0,
        None,
        scenes.NOON,
        9,
        False,
        4,
        40,
        4096,
        scenes.NOON,
    )
    keptlogs.put(old)
    url = "/namespaces/shop/pods/lonely/logs/"
    assert "follow=true" in text(browser, url)
    assert "Attempt 4" in text(browser, url)
    assert "container=app&amp;attempt=0&amp;tail=5000" in text(browser, f"{url}?container=app&attempt=0")


@pytest.mark.parametrize(
    ("state", "last", "expected"),
    [
        ({"running": {}}, {}, [(3, "")]),
        ({"running": {}}, {"exitCode": 1}, [(3, ""), (2, "exit 1")]),
        ({"terminated": {"exitCode": 0}}, {"exitCode": 1}, [(3, "exit 0"), (2, "exit 1")]),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, {"exitCode": 1}, [(3, "exit 1"), (2, "ended")]),
        ({"waiting": {"reason": "ContainerCreating"}}, {}, []),
    ],
)
def test_a_containers_status_tells_its_last_two_attempts(
    state: JSON, last: JSON, expected: list[tuple[int, str]]
) -> None:
    entry = {"name": "app", "restartCount": 3, "state": state, "lastState": {"terminated": last} if last else {}}
    assert [(one.number, one.ended) for one in attempts.of_entry(entry)] == expected


def test_times_of_what_is_kept_are_its_own() -> None:
    now = datetime.now(UTC)
    (one,) = attempts.of_kept([Kept("a", "s", "p", Uid("u"), "app", 0, now, now, 1, False, 1, 2, 3, now)])
    assert (one.started, one.finished, one.ended, one.of_lines) == (now, now, "exit 1", "")
