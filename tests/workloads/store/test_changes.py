"""Readers keep their own place in the log; what every reader has passed may be forgotten, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.workloads.store.drafts import draft
from workloads.store import changes, objects
from workloads.store.models import Cursor

pytestmark = pytest.mark.django_db

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


class Crash(Exception):
    """Stands for the process dying here."""


def write(count: int, **differently: str) -> list[int]:
    """As many objects; their revisions."""
    return [objects.insert(draft(f"pod-{n}-{changes.head()}", **differently)).revision for n in range(count)]


def read(reader: str, **how: int) -> list[int]:
    """What one digest hands to the reader."""
    seen: list[int] = []
    changes.digest(reader, lambda entries: seen.extend(entry.revision for entry in entries), **how)
    return seen


def test_an_empty_log_has_no_head_and_no_floor():
    assert (changes.head(), changes.floor(), changes.after(0)) == (0, 0, [])


def test_the_log_can_be_read_by_kind_and_in_portions():
    pods, services = write(3), write(2, kind="Service")

    assert [entry.revision for entry in changes.after(0, kinds=["Service"])] == services
    assert [entry.revision for entry in changes.after(pods[0], limit=3)] == [*pods[1:], services[0]]


def test_a_reader_gets_every_entry_once_in_portions():
    written = write(5)

    assert [read("meter", limit=2) for _ in range(4)] == [written[:2], written[2:4], written[4:], []]


def test_readers_do_not_disturb_each_other():
    written = write(3)

    assert read("meter") == read("relay") == written


def test_a_reader_that_dies_before_it_is_done_reads_the_same_again():
    written = write(3)

    def die(entries: list[changes.Entry]) -> None:
        Cursor.objects.create(reader="what it had written", revision=1)
        raise Crash

    with pytest.raises(Crash):
        changes.digest("meter", die)

    assert not Cursor.objects.filter(reader="what it had written").exists()
    assert read("meter") == written


def test_of_two_readers_of_one_name_the_second_is_told_that_the_first_was_first():
    write(3)
    mine, theirs = changes.batch("meter"), changes.batch("meter")

    with changes.passing(theirs):
        pass

    with pytest.raises(changes.Moved), changes.passing(mine):
        pytest.fail("the batch was dealt with already")


def test_a_reader_of_one_kind_does_not_hold_up_the_log_for_ever(monkeypatch):
    monkeypatch.setattr(changes, "_IDLE_STRIDE", 4)
    write(5)

    assert changes.digest("meter", lambda entries: pytest.fail("no Service was written"), kinds=["Service"]) == 0

    assert changes.trim(keep=1, older_than=FUTURE) == 4


def test_trimming_keeps_the_newest():
    written = write(6)

    assert changes.trim(keep=2, older_than=FUTURE) == 4
    assert [entry.revision for entry in changes.after(0)] == written[4:]
    assert changes.floor() == written[3]


def test_trimming_keeps_what_is_young(time_machine):
    time_machine.move_to(datetime(2026, 3, 1, tzinfo=UTC))
    write(2)
    time_machine.shift(timedelta(hours=2))
    young = write(2)

    assert changes.trim(keep=1, older_than=datetime(2026, 3, 1, 1, tzinfo=UTC)) == 2
    assert [entry.revision for entry in changes.after(0)] == young


def test_trimming_keeps_what_a_reader_has_not_passed():
    written = write(5)
    read("meter", limit=2)

    assert changes.trim(keep=1, older_than=FUTURE) == 2
    assert read("meter") == written[2:]


def test_a_reader_that_died_is_retired_and_holds_the_log_no_longer(time_machine):
    time_machine.move_to(datetime(2026, 3, 1, tzinfo=UTC))
    written = write(5)
    read("dead", limit=2)
    read("alive", limit=4)

    assert changes.retire(keep=1, unread_since=datetime(2026, 2, 28, tzinfo=UTC)) == []
    assert changes.retire(keep=2, unread_since=FUTURE) == ["dead"]
    assert changes.trim(keep=1, older_than=FUTURE) == 4
    assert read("alive") == written[4:]
    with pytest.raises(changes.Trimmed):
        read("dead")


def test_a_reader_that_is_not_far_behind_is_never_retired():
    write(5)
    read("slow", limit=3)

    assert changes.retire(keep=2, unread_since=FUTURE) == []


def test_trimming_goes_in_steps_and_never_takes_the_head(monkeypatch):
    monkeypatch.setattr(changes, "_TRIM_STEP", 2)
    written = write(6)

    assert changes.trim(keep=0, older_than=FUTURE) == 5
    assert changes.head() == written[-1]
    assert changes.trim(keep=0, older_than=FUTURE) == 0


def test_a_reader_whose_entries_are_gone_is_told_and_can_be_placed():
    write(5)
    changes.trim(keep=1, older_than=FUTURE)

    with pytest.raises(changes.Trimmed):
        read("late")
    changes.place("late", changes.head())
    newer = write(1)

    assert read("late") == newer
