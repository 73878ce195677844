"""Kept logs get into the index once, and leave when their time or their room is over; whoever dies in between."""

from __future__ import annotations

import errno
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from workloads.meta.keys import Uid
from workloads.node import archiving
from workloads.node.archiving import Limits
from workloads.runtimes.archive import BLOCK_BYTES, Archive, Life, Measured
from workloads.store import endedpods, keptlogs
from workloads.store.endedpods import Which

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WEEK = Limits(age=timedelta(days=7), bytes=10 * 1024**3)


@pytest.fixture
def archive(db: None, tmp_path: Path) -> Archive:
    return Archive(tmp_path / "logs")


def taken(archive: Archive, *, account: str = "acme", attempt: int = 0, uid: str = "") -> Life:
    pod = Uid(uid or str(uuid.uuid4()))
    life = Life(account, "shop", "web-1", pod, "app", attempt, NOON, NOON + timedelta(seconds=9), exit_code=1)
    line = orjson.dumps({"log": "hello\n", "time": "2026-05-04T12:00:00Z"})
    archive.keep(life, lambda folder: (folder / "0.json").write_bytes(line) and None)
    return life


def settled(archive: Archive, *, at: datetime = NOON, account: str = "acme") -> Life:
    life = taken(archive, account=account)
    archiving.settle(archive, life, at)
    return life


def texts(archive: Archive) -> set[str]:
    return {uid for uid, *_ in archive.files()}


def test_what_was_taken_gets_into_the_index(archive: Archive) -> None:
    life = taken(archive)
    assert archiving.settle_all(archive, NOON)
    (log,) = keptlogs.of_pod(life.uid)
    assert (log.account, log.pod, log.container, log.attempt, log.exit_code) == ("acme", "web-1", "app", 0, 1)
    assert (log.lines, log.bytes, log.stored, log.kept) == (1, 6, BLOCK_BYTES, NOON)
    assert archive.waiting() == []


@pytest.mark.parametrize("step", ["settle", "discard"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_doubles_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    life = taken(archive)
    done = getattr(archive, step)

    def dies(life: Life) -> None:
        if after:
            done(life)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archive, step, dies)
        with pytest.raises(KeyboardInterrupt):
            archiving.settle_all(archive, NOON)
    archiving.settle_all(archive, NOON + timedelta(days=1))
    (log,) = keptlogs.of_pod(life.uid)
    assert log.kept == (NOON if step == "discard" else NOON + timedelta(days=1))
    assert (archive.waiting(), len(list(archive.files()))) == ([], 1)


def test_a_full_disk_leaves_what_was_taken_for_later(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    life = taken(archive)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "settle", lambda life: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert not archiving.settle_all(archive, NOON)
    assert archiving.settle_all(archive, NOON)
    assert len(keptlogs.of_pod(life.uid)) == 1


def test_a_log_with_a_fault_of_its_own_holds_up_no_other(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    lives = {taken(archive) for _ in range(3)}
    (faulty, *_), settle, refused = archive.waiting(), archive.settle, set[Life]()

    def fails(life: Life) -> Measured:
        if life == faulty:
            raise OSError(errno.EIO, "Input/output error")
        return settle(life)

    with monkeypatch.context() as patched:
        patched.setattr(archive, "settle", fails)
        assert archiving.settle_all(archive, NOON, refused=refused)
    assert {life.uid for life in lives if keptlogs.of_pod(life.uid)} == {one.uid for one in lives - {faulty}}
    assert archiving.settle_all(archive, NOON, refused=refused)
    assert archive.waiting() == [faulty]
    assert archiving.settle_all(archive, NOON)
    assert archive.waiting() == []


def test_logs_go_when_they_are_too_old(archive: Archive) -> None:
    old, young = settled(archive), settled(archive, at=NOON + timedelta(seconds=1))
    assert archiving.trim_once(archive, WEEK, NOON + timedelta(days=7)) == 0
    assert archiving.trim_once(archive, WEEK, NOON + timedelta(days=7, seconds=1)) == 1
    assert texts(archive) == {young.uid}
    assert keptlogs.of_pod(old.uid) == []


def test_the_oldest_of_the_account_that_has_the_most_go_first(archive: Archive) -> None:
    acme = [settled(archive, at=NOON + timedelta(hours=hour)) for hour in range(4)]
    other = settled(archive, account="other", at=NOON - timedelta(hours=1))
    limits = replace(WEEK, bytes=3 * BLOCK_BYTES)
    assert archiving.trim_once(archive, limits, NOON + timedelta(days=1)) == 2
    assert texts(archive) == {other.uid, acme[2].uid, acme[3].uid}
    assert sum(keptlogs.sizes().values()) == limits.bytes


def test_a_crash_while_a_log_goes_is_made_good(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    life = settled(archive)
    with monkeypatch.context() as patched:
        patched.setattr(keptlogs, "forget", lambda log: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archiving.trim_once(archive, WEEK, NOON + timedelta(days=8))
    assert archiving.trim_once(archive, WEEK, NOON + timedelta(days=8)) == 1
    assert (texts(archive), keptlogs.of_pod(life.uid)) == (set(), [])


def test_how_a_pod_ended_is_forgotten_with_its_logs(archive: Archive) -> None:
    settled(archive)
    assert len(endedpods.page(Which("acme"), limit=9)) == 1
    archiving.trim_once(archive, WEEK, NOON + timedelta(days=8))
    assert endedpods.page(Which("acme"), limit=9) == []


def test_a_pod_that_went_without_a_word_is_known_by_its_log(archive: Archive) -> None:
    life = settled(archive)
    ((_, pod),) = endedpods.page(Which("acme"), limit=9)
    assert (pod.uid, pod.name, pod.outcome, pod.ended) == (life.uid, "web-1", "Lost", life.finished)


def test_a_text_that_no_index_knows_goes_when_it_is_not_fresh(archive: Archive) -> None:
    stray, known = taken(archive), settled(archive)
    archive.settle(stray)
    archive.discard(stray)
    now = datetime.now(UTC)
    assert archiving.sweep_strays(archive, now) == 0
    assert archiving.sweep_strays(archive, now + timedelta(hours=2)) == 1
    assert texts(archive) == {known.uid}


def test_many_logs_are_trimmed_in_chunks(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keptlogs, "CHUNK", 2)
    for _ in range(5):
        settled(archive)
    assert archiving.trim_once(archive, WEEK, NOON + timedelta(days=8)) == 5
    assert texts(archive) == set()
