"""List, then follow: whoever listed at a revision and watches from there sees every change since, once and in order."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.threads import at_once
from tests.workloads.store.drafts import draft, revision_in
from tests.workloads.watch.writers import change, create, delete, elsewhere, rest, take
from workloads import watch
from workloads.meta.errors import BadRequest, Expired
from workloads.store import changes, objects
from workloads.watch import hub

pytestmark = pytest.mark.django_db(transaction=True)

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


async def test_a_watch_shows_what_happens_in_order(alice):
    async with aclosing(watch.follow(alice, ["Pod"], since=0)) as events:
        row = await create("web")
        row = await change(row, phase="Running")
        revision = await delete(row)

        seen = await take(events, 3)

    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[2].revision == revision
    assert [revision_in(event.data) for event in seen] == [event.revision for event in seen]
    assert {event.key for event in seen} == {row.key}


async def test_a_watch_can_start_at_every_revision_the_log_keeps(alice):
    written = [(await create(f"pod-{n}")).revision for n in range(8)]

    for since in [0, *written]:
        seen = await rest(watch.follow(alice, ["Pod"], since=since, timeout=0.01))
        assert [event.revision for event in seen] == [revision for revision in written if revision > since]


async def test_a_watch_can_start_at_every_revision_while_others_already_listen(alice, monkeypatch):
    monkeypatch.setattr(hub, "MEMORY_LENGTH", 3)
    monkeypatch.setattr(hub, "PAGE", 2)
    async with aclosing(watch.follow(alice, ["Pod"], since=0)) as listener:
        written = [(await create(f"pod-{n}")).revision for n in range(8)]
        await take(listener, 8)

        for since in [0, *written]:
            seen = await rest(watch.follow(alice, ["Pod"], since=since, timeout=0.01))
            assert [event.revision for event in seen] == [revision for revision in written if revision > since]


async def test_no_gap_and_no_double_between_history_and_what_is_heard(alice):
    def churn(number: int) -> None:
        for turn in range(10):
            objects.insert(draft(f"pod-{number}-{turn}"))

    writing = asyncio.create_task(elsewhere(lambda: at_once(*[partial(churn, number) for number in range(8)])))
    watches = []
    for _ in range(10):
        watches.append(asyncio.create_task(_first_eighty(watch.follow(alice, ["Pod"], since=0))))
        await asyncio.sleep(0.01)
    await writing

    written = await elsewhere(lambda: [entry.revision for entry in changes.after(0)])
    for seen in await asyncio.gather(*watches):
        assert seen == written


async def test_nobody_sees_another_accounts_objects(alice, charlie):
    await create("web")
    await create("web", account="other")

    for identity in (alice, charlie):
        seen = await rest(watch.follow(identity, ["Pod"], since=0, timeout=0.01))
        assert [event.key.account for event in seen if event.key] == [identity.account]


async def test_a_watch_may_be_of_some_kinds_one_namespace_or_one_name(alice):
    for kind, namespace, name in map(str.split, ["Pod shop a", "Pod shop b", "Pod test a", "Event shop a"]):
        await create(name, kind=kind, namespace=namespace)

    async def seen(*kinds: str, **which: str) -> list[str]:
        events = await rest(watch.follow(alice, kinds, since=0, timeout=0.01, **which))  # type: ignore[arg-type]
        return ["/".join(event.key[1:]) for event in events if event.key]

    assert await seen("Pod", "Event") == ["Pod/shop/a", "Pod/shop/b", "Pod/test/a", "Event/shop/a"]
    assert await seen("Pod", namespace="shop") == ["Pod/shop/a", "Pod/shop/b"]
    assert await seen("Pod", namespace="shop", name="a") == ["Pod/shop/a"]
    assert await seen("Pod", field_selector="metadata.name=a,metadata.namespace!=shop") == ["Pod/test/a"]


@pytest.mark.parametrize("live", [False, True], ids=["history", "live"])
async def test_objects_come_when_they_start_to_match_and_go_when_they_stop(alice, live):
    events = watch.follow(alice, ["Pod"], since=0, label_selector="tier=web", timeout=None if live else 0.05)
    if live:
        await create("decoy", labels={"tier": "web"})
        assert [event.type for event in await take(events, 1)] == ["ADDED"]
    row = await create("web")
    row = await change(row, labels={"tier": "web"})
    row = await change(row, labels={"tier": "web"}, phase="Running")
    before = row
    row = await change(row, labels={"tier": "db"})
    away = row.revision
    row = await change(row, labels={"tier": "web"})
    gone = await delete(row)

    seen = await take(events, 5)
    await events.aclose()

    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert [event.revision for event in seen][2:] == [away, row.revision, gone]
    assert revision_in(seen[2].data) == away
    assert seen[2].data.replace(str(away).encode(), str(before.revision).encode(), 1) == before.data


async def test_fields_of_the_kind_can_be_selected_by(alice):
    row = await create("web", phase="Pending")
    row = await change(row, phase="Running")
    await delete(row, phase="Running")

    async def seen(selector: str) -> list[str]:
        events = watch.follow(alice, ["Pod"], since=0, field_selector=selector, timeout=0.01)
        return [event.type for event in await rest(events)]

    assert await seen("status.phase=Running") == ["ADDED", "DELETED"]
    assert await seen("status.phase!=Running") == ["ADDED", "DELETED"]
    assert await seen("status.phase=Failed") == []


@pytest.mark.parametrize(
    "selector", [{"label_selector": "a=b=c"}, {"field_selector": "spec.replicas=3"}, {"field_selector": "nonsense"}]
)
def test_a_bad_selector_is_refused_before_the_watch_begins(alice, selector):
    with pytest.raises(BadRequest):
        watch.follow(alice, ["Pod"], since=0, **selector)


async def test_a_revision_the_log_has_forgotten_is_expired(alice):
    written = [(await create(f"pod-{n}")).revision for n in range(6)]
    await elsewhere(lambda: changes.trim(keep=2, older_than=FUTURE))

    for since in (0, *written[:3]):
        with pytest.raises(Expired, match="too old resource version"):
            await rest(watch.follow(alice, ["Pod"], since=since, timeout=0.01))
    seen = await rest(watch.follow(alice, ["Pod"], since=written[3], timeout=0.01))
    assert [event.revision for event in seen] == written[4:]


async def test_a_revision_the_log_has_not_reached_is_expired(alice):
    row = await create("web")

    with pytest.raises(Expired, match="too large resource version"):
        await rest(watch.follow(alice, ["Pod"], since=row.revision + 5, timeout=0.01))


async def test_a_bookmark_at_the_end_says_how_far_the_watch_came(alice):
    await create("web")
    other = await create("web", account="other")

    *_, last = await rest(watch.follow(alice, ["Pod"], since=0, bookmarks=True, timeout=0.05))

    assert (last.type, last.revision, last.data) == ("BOOKMARK", other.revision, b"")


async def test_bookmarks_come_while_nothing_happens(alice, monkeypatch):
    monkeypatch.setattr(watch, "BOOKMARK_SECONDS", 0.02)

    seen = await rest(watch.follow(alice, ["Pod"], since=0, bookmarks=True, timeout=0.2))

    assert {event.type for event in seen} == {"BOOKMARK"}
    assert len(seen) >= 3


async def test_without_bookmarks_a_quiet_watch_says_nothing_until_its_time_is_over(alice):
    assert await rest(watch.follow(alice, ["Pod"], since=0, timeout=0.05)) == []


async def _first_eighty(events) -> list[int]:
    async with aclosing(events):
        return [event.revision for event in await take(events, 80)]
