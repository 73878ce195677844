"""Events fold, count and expire, and never stand in the way of who records them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from tests import manifests
from workloads.client import Client, DeleteOptions, expire_events
from workloads.store import objects
from workloads.verbs import writes


def record(client: Client, obj: dict[str, object], message: str = "Pulling image") -> None:
    client.record_event(obj, type="Normal", reason="Pulling", message=message, component="pods")


def test_an_event_tells_what_happened_to_which_object(client, controller, one):
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        record(controller, one)

    (event,) = client.list("Event", "shop").items
    assert event["involvedObject"]["uid"] == one["metadata"]["uid"]
    assert event["involvedObject"]["kind"] == "Pod"
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Pulling", "Pulling image")
    assert event["source"] == {"component": "pods"}
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-05-04T10:00:00Z"


def test_the_same_thing_again_counts_up(client, controller, one):
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        record(controller, one)
    with time_machine.travel("2026-05-04T10:00:07Z", tick=False):
        record(controller, one)

    (event,) = client.list("Event", "shop").items
    assert event["count"] == 2
    assert event["firstTimestamp"] == "2026-05-04T10:00:00Z"
    assert event["lastTimestamp"] == "2026-05-04T10:00:07Z"


def test_what_happened_within_a_second_is_listed_in_the_order_it_happened(client, controller, one):
    told = [f"step {number}" for number in (3, 1, 4, 1, 5, 9, 2, 6)]
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        for message in told:
            record(controller, one, message)

    assert [event["message"] for event in client.list("Event", "shop").items] == list(dict.fromkeys(told))


def test_two_who_tell_the_same_at_once_tell_it_once(client, controller, one, monkeypatch):
    create, early = writes.create, iter([True])

    def create_late(*args, **rest):
        if next(early, False):
            record(controller, one)
        return create(*args, **rest)

    monkeypatch.setattr(writes, "create", create_late)
    record(controller, one)

    (event,) = client.list("Event", "shop").items
    assert event["count"] == 2


def test_an_event_of_an_object_with_the_longest_name_has_a_name_too(client, controller, shop):
    name = f"{'a' * 235}.{'c' * 17}"
    pod = client.create("Pod", {**manifests.pod(), "metadata": {"name": name}}, "shop").obj
    record(controller, pod)

    assert client.count("Event", "shop") == 1


def test_a_strangers_event_about_something_of_ours_is_not_counted_up(client, stranger, controller, one):
    stranger.create("Namespace", manifests.namespace("shop"))
    record(stranger, one)
    record(controller, one)

    assert client.list("Event", "shop").items[0]["count"] == 1


def test_another_message_is_another_event(client, controller, one):
    record(controller, one)
    record(controller, one, "Pulled image")

    assert client.count("Event", "shop") == 2


def test_describe_finds_events_by_the_object(client, controller, one, web):
    record(controller, one)
    record(controller, web)

    uid = one["metadata"]["uid"]
    found = client.list("Event", "shop", field_selector=f"involvedObject.uid={uid},involvedObject.name=one").items

    assert [event["involvedObject"]["name"] for event in found] == ["one"]


def test_a_namespace_has_its_events_in_itself(client, controller, shop):
    record(controller, shop)

    assert client.count("Event", "shop") == 1


def test_a_namespace_that_is_going_or_gone_takes_no_events(client, controller, one):
    client.delete("Namespace", "shop")
    record(controller, one)
    controller.delete("Namespace", "shop", options=DeleteOptions(grace_seconds=0))
    record(controller, one)

    assert client.count("Event") == 0


@pytest.mark.parametrize(("later", "left"), [("2026-05-04T11:04:59Z", 1), ("2026-05-04T11:05:01Z", 0)])
def test_events_expire_an_hour_after_they_last_happened(client, controller, one, later, left):
    for minute in (0, 5):
        with time_machine.travel(datetime(2026, 5, 4, 10, minute, tzinfo=UTC), tick=False):
            record(controller, one)

    assert expire_events(datetime.fromisoformat(later)) == 1 - left
    assert client.count("Event") == left


def test_an_event_that_happens_again_while_it_expires_is_kept(client, controller, one, monkeypatch):
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        record(controller, one)
    remove = objects.remove

    def remove_late(draft, *, expected_revision):
        record(controller, one)
        return remove(draft, expected_revision=expected_revision)

    monkeypatch.setattr(objects, "remove", remove_late)

    assert expire_events(datetime(2026, 5, 4, 12, tzinfo=UTC)) == 0
    assert client.list("Event", "shop").items[0]["count"] == 2
