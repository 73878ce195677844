"""The ledger can be proven, and the proof finds what is wrong."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing import meter, prices, proofs, rating
from billing.instants import HOUR, SECOND
from billing.models import MeteredPod, UsageSegment
from billing.money import plain
from billing.rating import Size
from billing.recompute import recompute
from billing.statements import Period
from tests.billing.lives import START, Log, Pod, at
from workloads.store import changes
from workloads.store.models import Change, Cursor, Object

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_lives(log: Log) -> list[Pod]:
    """One that ended, one corrected after its settlement, one that runs."""
    pods = [Pod(uid=f"uid-{name}", name=name) for name in ("ended", "late", "runs")]
    for pod in pods:
        log.change(pod, pullStartedAt=at("10:09:06"))
    meter.read_once()
    log.delete(pods[0], finishedAt=at("10:30:00"))
    meter.read_once()
    meter.settle_once(now=at("12:30:00"))
    log.delete(pods[1], finishedAt=at("11:10:00"))
    meter.read_once()
    return pods


def test_a_true_ledger_is_proven(three_lives: list[Pod]) -> None:
    report = recompute()
    assert (report.pods, report.proven) == (3, True)
    assert report.total.seconds == (1254 + 3654 + 3054 + 3600)


def test_a_period_is_proven_by_what_was_used_in_it_alone(three_lives: list[Pod], log: Log) -> None:
    later = Pod(uid="uid-later", name="later")
    log.change(later, pullStartedAt=at("10:09:06") + 86400 * SECOND)
    log.delete(later, finishedAt=at("10:09:36") + 86400 * SECOND)
    meter.read_once()
    day = Period.parse("2026-02-03")
    report = recompute(account="acme", since=day.start, until=day.end)
    assert (report.pods, report.segments, report.proven) == (3, 6, True)
    after = recompute(account="acme", since=day.end, until=day.end + 86400 * SECOND)
    assert (after.segments, after.total.seconds, after.proven) == (1, 30, True)


def test_what_was_taken_back_after_a_pods_end_is_proven_in_its_own_hour(three_lives: list[Pod]) -> None:
    """The hour in which `late` only seemed to run: its segment and what takes it back."""
    hour = at("12:00:00")
    report = recompute(account="acme", since=hour, until=hour + HOUR)
    assert (report.total.seconds, report.proven) == (0, True)


def test_a_proof_of_more_segments_than_somebody_waits_for_names_the_ways_that_are_left(three_lives: list[Pod]) -> None:
    with pytest.raises(proofs.ProofTooLong, match=r"2026-02 has 6 segments.*one of its days.*--period 2026-02"):
        proofs.of("acme", Period.parse("2026-02"), most=5)
    assert proofs.of("acme", Period.parse("2026-02"), most=6).proven
    call_command("recompute_ledger", period="2026-02", stdout=(out := StringIO()))
    assert out.getvalue().startswith("3 pods, 6 segments")


def test_the_marks_prove_what_the_log_has_forgotten(three_lives: list[Pod]) -> None:
    Change.objects.filter(revision__lt=changes.head()).delete()
    Cursor.objects.create(reader="log:floor", revision=changes.head() - 1)
    assert recompute().proven


def test_what_the_meter_has_not_read_yet_is_no_difference(three_lives: list[Pod], log: Log) -> None:
    log.delete(three_lives[2], finishedAt=at("12:45:00"))
    assert recompute().proven


def test_a_pod_that_moves_on_meanwhile_is_left_out(three_lives: list[Pod], log: Log) -> None:
    log.delete(three_lives[2], finishedAt=at("12:45:00"))
    before = changes.head() - 1
    meter.read_once()
    changes.place(meter.READER, before)
    report = recompute()
    assert (report.pods, report.proven) == (2, True)


def test_a_running_pod_and_its_object_are_witnesses(log: Log, pod: Pod) -> None:
    pod.marks["pullStartedAt"] = at("10:09:06")
    entry = pod.entry("MODIFIED", revision=20)
    Object.objects.create(**entry.key._asdict(), uid=pod.uid, revision=20, created=entry.at, data=entry.data)
    meter.resync()
    changes.place(meter.READER, 20)
    meter.settle_once(now=at("12:30:00"))
    MeteredPod.objects.all().delete()
    assert (recompute().pods, recompute().proven) == (1, True)


def test_an_estimated_end_is_proven_as_an_estimate(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    log.delete(pod, at=at("10:30:00"))
    meter.read_once()
    assert (recompute().total.seconds, recompute().proven) == (1254, True)


def test_a_line_too_much_is_named_with_its_hour(three_lives: list[Pod]) -> None:
    with connection.cursor() as somebody:
        somebody.execute("UPDATE billing_usagesegment SET seconds = 9999 WHERE pod_uid = 'uid-ended'")
    (difference,) = recompute().differences
    assert str(difference) == (
        "pod uid-ended, hour from 2026-02-03T10:00:00.000000Z: ledger 9999 s, 1.779822; recomputed 1254 s, 0.223212"
    )


def test_a_line_too_few_is_named(three_lives: list[Pod]) -> None:
    UsageSegment.objects.filter(pod_uid="uid-ended")._raw_delete(using="default")
    (difference,) = recompute(account="acme").differences
    assert (difference.uid, difference.ledger.seconds, difference.life.seconds) == ("uid-ended", 0, 1254)
    assert recompute(account="other").proven


def test_the_proof_of_one_account_reads_nothing_of_another(three_lives: list[Pod], log: Log) -> None:
    """What is unreadable in all three places would hold it up."""
    stranger = Pod(uid="uid-other", name="other", account="other")
    log.change(stranger, pullStartedAt=at("10:09:06"))
    meter.read_once()
    entry = stranger.entry("MODIFIED", revision=1)
    Object.objects.create(**entry.key._asdict(), uid=entry.uid, revision=1, created=entry.at, data=b"{")
    Change.objects.filter(account="other").update(data=b"{")
    MeteredPod.objects.filter(account="other").update(evidence="{")
    report = recompute(account="acme")
    assert (report.pods, report.proven) == (3, True)


def test_a_bill_without_a_pod_is_named(three_lives: list[Pod]) -> None:
    MeteredPod.objects.all().delete()
    Change.objects.all().delete()
    with pytest.raises(CommandError, match="not what the pods' own times say"):
        call_command("recompute_ledger", stdout=(out := StringIO()))
    assert "pod uid-runs: billed, but neither the log nor its object nor its marks" in out.getvalue()


def test_the_command_sums_up(three_lives: list[Pod]) -> None:
    call_command("recompute_ledger", stdout=(out := StringIO()))
    assert out.getvalue() == "3 pods, 6 segments, 11562 s, 2.058036: 0 differences, 0 without a witness\n"


def test_the_documentation_bills_as_the_product_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "billing.md").read_text()
    records = rating.lines(
        Size("general-computing", 2000, 4096),
        prices.current("cn-north-4"),
        started=at("10:09:06"),
        since=at("10:09:06"),
        until=at("12:09:06"),
    )
    for record in records:
        assert f"| {record.seconds:,} | {plain(record.cost)} |" in page
    for cpu_millis, memory_mib, name in ((500, 1024, "0.5 cores, 1 GiB"), (2000, 4096, "2 cores, 4 GiB")):
        rate = prices.current("cn-north-4").rate(Size("general-computing", cpu_millis, memory_mib), START)
        assert f"| {name} | {plain(rate.per_second)} | {plain(rate.per_hour)} |" in page
