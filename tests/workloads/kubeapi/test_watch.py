"""A watch tells what there is, then every change, at once and in order, until the caller or the clock ends it."""

from __future__ import annotations

import time
from contextlib import ExitStack

import httpx
import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import TABLE, is_status
from workloads.kubeapi import watching
from workloads.kubeapi.views import EventWriter

PODS = "/api/v1/namespaces/shop/pods"


def _heard(event):
    return event["type"], event["object"]["metadata"].get("name", "")


@pytest.fixture
def one(api, shop):
    return api.make(PODS, manifests.pod("one"))


@pytest.mark.parametrize("query", [{}, {"resourceVersion": ""}, {"resourceVersion": "0"}], ids=str)
def test_without_a_revision_it_begins_with_what_there_is(api, one, query):
    with api.watch(PODS, timeoutSeconds="5", **query) as events:
        assert _heard(next(events)) == ("ADDED", "one")
        api.change(f"{PODS}/one", {"metadata": {"labels": {"new": "label"}}})
        assert _heard(next(events)) == ("MODIFIED", "one")


def test_from_a_revision_it_tells_what_came_after(api, one):
    since = api.read(PODS)["metadata"]["resourceVersion"]
    with api.watch(PODS, resourceVersion=since, timeoutSeconds="5") as events:
        api.make(PODS, manifests.pod("two"))
        event = next(events)
    assert _heard(event) == ("ADDED", "two")
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(since)


def test_an_object_that_stops_matching_is_deleted_for_the_watcher(api, one):
    with api.watch(PODS, labelSelector="app=one", timeoutSeconds="5") as events:
        assert _heard(next(events)) == ("ADDED", "one")
        api.change(f"{PODS}/one", {"metadata": {"labels": {"app": "other"}}})
        assert _heard(next(events)) == ("DELETED", "one")


def test_one_object_can_be_watched_by_its_own_address(api, one):
    with api.watch(f"{PODS}/one", timeoutSeconds="5") as events:
        assert _heard(next(events)) == ("ADDED", "one")
        api.make(PODS, manifests.pod("two"))
        api.change(f"{PODS}/one", {"metadata": {"labels": {"new": "label"}}})
        assert _heard(next(events)) == ("MODIFIED", "one")


def test_what_happens_in_another_account_is_not_heard(api, other_api, one):
    with other_api.watch("/api/v1/pods", timeoutSeconds="1") as events:
        api.make(PODS, manifests.pod("two"))
        assert list(events) == []


def test_the_beginning_ends_with_a_marked_bookmark_when_asked(api, one):
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    with api.watch(PODS, timeoutSeconds="5", **query) as events:
        assert _heard(next(events)) == ("ADDED", "one")
        mark = next(events)
    assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == "Pod"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize(
    "accept", ["application/json", TABLE, "application/json;as=PartialObjectMetadata;g=meta.k8s.io"]
)
def test_bookmarks_come_in_the_form_that_was_asked_for(api, one, accept):
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    with api.watch(PODS, accept=accept, timeoutSeconds="5", **query) as events:
        added, mark = next(events), next(events)
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["kind"] == added["object"]["kind"]
    assert int(mark["object"]["metadata"]["resourceVersion"]) > 0


def test_a_last_bookmark_says_where_to_go_on(api, one):
    with api.watch(PODS, allowWatchBookmarks="true", timeoutSeconds="1") as events:
        heard = list(events)
    assert [event["type"] for event in heard] == ["ADDED", "BOOKMARK"]


def test_it_ends_when_its_time_is_over(api, shop):
    begun = time.monotonic()
    with api.watch(PODS, timeoutSeconds="1") as events:
        assert list(events) == []
    assert 0.9 < time.monotonic() - begun < 5


def test_a_revision_that_is_no_place_in_the_log_is_a_gone_status(api, shop):
    with api.watch(PODS, resourceVersion="99999999", timeoutSeconds="5") as events:
        (event,) = list(events)
    assert event["type"] == "ERROR"
    assert (event["object"]["kind"], event["object"]["code"], event["object"]["reason"]) == ("Status", 410, "Expired")


@pytest.mark.parametrize(
    "query",
    [
        {"resourceVersion": "soon"},
        {"labelSelector": "a in (b"},
        {"fieldSelector": "spec.foo=bar"},
        {"timeoutSeconds": "soon"},
    ],
    ids=str,
)
def test_what_cannot_be_watched_is_refused_before_the_stream_begins(api, shop, query):
    answer = api.get(PODS, params={"watch": "true", **query})
    assert answer.status_code == 400 and answer.json()["kind"] == "Status"


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ({"sendInitialEvents": "true"}, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        (
            {"resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (
            {"resourceVersionMatch": "Exact", "sendInitialEvents": "true"},
            'Unsupported value: "Exact": supported values: "NotOlderThan"',
        ),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused_in_upstreams_words(api, shop, query, rule):
    refused = is_status(api.get(PODS, params={"watch": "true", **query}), 422)
    assert refused["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ') and rule in refused["message"]


def test_without_initial_events_only_what_comes_is_told(api, one):
    query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
    with api.watch(PODS, timeoutSeconds="5", **query) as events:
        api.change(f"{PODS}/one", {"metadata": {"labels": {"new": "label"}}})
        assert _heard(next(events)) == ("MODIFIED", "one")


def test_a_beginning_of_a_revision_that_is_still_to_come_is_an_error_event(api, one):
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "99999999"}
    with api.watch(PODS, timeoutSeconds="5", **query) as events:
        (event,) = list(events)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 504, "Timeout")


def test_watchers_of_one_form_share_one_writing_of_an_event(api, one, monkeypatch):
    written = []
    write = EventWriter._written

    def counted(self, type, data, *, columns):
        written.append(self._view.accepted.form)
        return write(self, type, data, columns=columns)

    monkeypatch.setattr(EventWriter, "_written", counted)
    since = api.read(PODS)["metadata"]["resourceVersion"]
    with ExitStack() as open_watches:
        watches = [
            open_watches.enter_context(api.watch(PODS, accept=accept, resourceVersion=since, timeoutSeconds="5"))
            for accept in ("application/json", "application/json", "application/json", TABLE, TABLE)
        ]
        api.change(f"{PODS}/one", {"metadata": {"labels": {"new": "label"}}})
        heard = [next(events) for events in watches]

    assert [event["type"] for event in heard] == ["MODIFIED"] * 5
    assert sorted(written) == ["object", "table"]


def test_a_watcher_that_never_reads_is_hung_up_on(api, one, monkeypatch):
    monkeypatch.setattr(watching, "STALLED_SECONDS", 0.2)
    padding = {"metadata": {"annotations": {"padding": "x" * 200_000}}}
    since = api.read(PODS)["metadata"]["resourceVersion"]
    with api.stream("GET", PODS, params={"watch": "1", "resourceVersion": since, "timeoutSeconds": "60"}) as answer:
        for turn in range(60):  # more than all buffers between them hold
            padding["metadata"]["annotations"]["turn"] = str(turn)
            api.change(f"{PODS}/one", padding)
        time.sleep(1)
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_a_caller_who_hangs_up_is_forgotten_at_once(api, one, monkeypatch):
    ended = []
    events_of = watching.events

    async def events(*args, **rest):
        try:
            async for line in events_of(*args, **rest):
                yield line
        finally:
            ended.append(time.monotonic())

    monkeypatch.setattr(watching, "events", events)
    with api.watch(PODS, timeoutSeconds="60") as heard:
        next(heard)
    closed = time.monotonic()
    while not ended and time.monotonic() - closed < 5:
        time.sleep(0.005)
    assert ended and ended[0] - closed < 1


def test_the_answer_begins_before_anything_happens(api, shop):
    begun = time.monotonic()
    with api.stream("GET", PODS, params={"watch": "1", "timeoutSeconds": "20"}, timeout=httpx.Timeout(5)) as answer:
        assert answer.status_code == 200
    assert time.monotonic() - begun < 4
