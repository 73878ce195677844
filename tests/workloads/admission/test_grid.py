"""The grid is the operator's table: what is written there is what pods are judged by, and pods that run keep theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from iam.errors import NotOperator
from iam.identities import Identity
from iam.models import AuditEntry
from tests import manifests
from workloads.admission import grid
from workloads.client import Client, grid_changes, pod_specifications
from workloads.kinds.grids import DEFAULT, Grid, Row
from workloads.meta.errors import Invalid
from workloads.store.models import GridContainers, GridRow

TINY = Row("general-computing", 100, 100, 1, 1)
NOW, HOUR = datetime(2027, 3, 1, 12, tzinfo=UTC), timedelta(hours=1)
Clock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def fresh(db: None) -> Iterator[None]:
    """As after the migrations; tests that flush the database leave it without what those have put in."""
    GridRow.objects.all().delete()
    GridContainers.objects.all().delete()
    import_module("workloads.migrations.0007_pod_specifications").fill(apps, None)
    grid.forget()
    yield
    grid.forget()


def run(*words: str) -> str:
    out = StringIO()
    call_command("pod_specifications", *words, stdout=out)
    return out.getvalue()


def test_the_table_comes_with_the_default_rows_and_an_empty_one_means_them() -> None:
    assert GridRow.objects.count() == len(DEFAULT.rows)
    assert pod_specifications() == DEFAULT

    GridRow.objects.all().delete()
    GridContainers.objects.all().delete()
    grid.forget()
    assert pod_specifications() == DEFAULT


def test_a_pod_is_judged_by_the_table_and_one_that_runs_keeps_its_size(alice: Identity) -> None:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    client.create("Pod", manifests.pod("old"), "shop")
    grid.replace(Grid((Row("general-computing", 250, 250, 2, 2),)))

    with pytest.raises(Invalid, match=r"nearest valid specifications: 0.25 cores, 2 GiB"):
        client.create("Pod", manifests.pod("new"), "shop")
    kept = client.get("Pod", "old", "shop")["metadata"]["annotations"]
    assert kept["resource.cci.io/pod-size-specs"] == "0.25_1.0"


def test_what_another_process_wrote_is_seen_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(grid, "monotonic", lambda: clock[0])
    pod_specifications()
    GridRow.objects.filter(flavor="gpu-accelerated").delete()

    clock[0] = 1.9
    assert pod_specifications() == DEFAULT
    clock[0] = 2.1
    assert pod_specifications().of("gpu-accelerated") == ()


def test_many_pods_ask_the_table_once(django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        for _ in range(100):
            pod_specifications()


def test_rows_are_listed_added_and_removed() -> None:
    assert "general-computing: 0.25-32 cores in steps of 0.25, 1-512 GiB, 2 to 8 GiB per core" in run("list")
    assert "at most 5 containers" in run("list")
    assert "Added general-computing: 0.1 cores, 1 GiB" in run("add", "general-computing", "--cpu=0.1", "--memory=1")
    assert TINY in pod_specifications().rows

    number = next(one.number for one in grid.numbered() if one.row == TINY)
    assert "Removed general-computing: 0.1 cores, 1 GiB" in run("remove", str(number))
    assert pod_specifications() == DEFAULT


@pytest.mark.parametrize("form", ["csv", "yaml"])
def test_the_table_is_exported_edited_and_imported(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"grid.{form}"
    run("export", str(file))
    file.write_text(file.read_text().replace("0.25-32", "0.25-16"))
    assert f"{len(DEFAULT.rows)} rows" in run("import", str(file))

    assert pod_specifications().of("general-computing")[0].max_cpu_millis == 16_000
    assert pod_specifications().containers == DEFAULT.containers
    run("reset")
    assert pod_specifications() == DEFAULT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "general-computing", "--cpu=0.25-32", "--memory=1-512", "--ratio=2-8"), "has this row already"),
        (("add", "general-computing", "--cpu=much", "--memory=1"), "cpu is 'much'"),
        (("add", "fast", "--cpu=1", "--memory=1"), "flavor must be one of"),
        (("remove", "4711"), "no row 4711"),
        (("import", "/nowhere/grid.csv"), "cannot be read"),
    ],
)
def test_what_the_table_does_not_take_is_said(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*words)
    assert pod_specifications() == DEFAULT


def test_the_last_row_stays_and_a_grid_is_never_empty_or_double() -> None:
    grid.replace(Grid((TINY,)))
    (last,) = grid.numbered()
    with pytest.raises(grid.GridRefused, match="last row"):
        grid.remove(last.number)
    with pytest.raises(grid.GridRefused, match="without rows"):
        grid.replace(Grid(()))
    with pytest.raises(grid.GridRefused, match="twice"):
        grid.replace(Grid((TINY, TINY)))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """`clock(moment)` sets what the grid thinks is now."""

    def set_now(moment: datetime) -> None:
        monkeypatch.setattr(grid.timezone, "now", lambda: moment)
        grid.forget()

    set_now(NOW)
    return set_now


def general() -> list[str]:
    return [str(row).removeprefix("general-computing: ") for row in pod_specifications().of("general-computing")]


def test_a_row_counts_from_its_time_on(clock: Clock) -> None:
    grid.add(TINY, since=NOW + HOUR)
    assert TINY not in pod_specifications().rows

    clock(NOW + HOUR)
    assert TINY in pod_specifications().rows


def test_a_change_ends_the_old_row_where_the_new_one_begins_in_its_place(clock: Clock) -> None:
    first = grid.numbered()[0]
    wider = replace(first.row, max_cpu_millis=40_000)
    grid.change(first.number, wider, since=NOW + HOUR)
    assert pod_specifications() == DEFAULT

    clock(NOW + HOUR)
    assert general()[0].startswith("0.25-40 cores") and len(general()) == 3
    spans = [(one.row, one.state(NOW + HOUR)) for one in grid.history() if one.row in (first.row, wider)]
    assert spans == [(first.row, "past"), (wider, "in force")]


def test_a_coming_change_is_written_anew_or_withdrawn_and_the_old_row_goes_on(clock: Clock) -> None:
    first = grid.numbered()[0]
    coming = grid.change(first.number, replace(first.row, max_cpu_millis=40_000), since=NOW + HOUR)
    again = grid.change(coming.number, replace(first.row, max_cpu_millis=36_000), since=NOW + 2 * HOUR)
    assert grid.found(first.number).until == NOW + 2 * HOUR

    grid.remove(again.number)
    assert grid.found(first.number).until is None
    assert [one.number for one in grid.history()] == [one.number for one in grid.history() if one.since < NOW]


def test_an_end_that_is_to_come_can_be_taken_back(clock: Clock) -> None:
    number = grid.add(TINY).number
    grid.remove(number, since=NOW + HOUR)
    grid.keep(number)

    clock(NOW + 2 * HOUR)
    assert TINY in pod_specifications().rows


def test_what_was_can_be_read_and_not_written(clock: Clock) -> None:
    number = grid.add(TINY).number
    clock(NOW + HOUR)
    grid.remove(number)
    clock(NOW + 2 * HOUR)
    for write in (grid.remove, grid.keep, lambda number: grid.change(number, TINY)):
        with pytest.raises(grid.GridRefused, match="ended"):
            write(number)
    assert (grid.found(number).since, grid.found(number).until) == (NOW, NOW + HOUR)


def test_the_grid_is_at_no_time_to_come_without_rows_nor_twice_of_one(clock: Clock) -> None:
    grid.replace(Grid((TINY,)))
    (last,) = grid.numbered()
    with pytest.raises(grid.GridRefused, match="last row"):
        grid.remove(last.number, since=NOW + HOUR)
    with pytest.raises(grid.GridRefused, match="has this row already"):
        grid.add(TINY, since=NOW + HOUR)
    with pytest.raises(grid.GridRefused, match="in the past"):
        grid.add(replace(TINY, max_memory_gib=2), since=NOW - HOUR)


def test_the_host_plans_changes_and_reads_history_and_the_trail_has_them() -> None:
    run("add", "general-computing", "--cpu=0.1", "--memory=1", "--from=2199-01-01T00:00Z")
    assert "0.1 cores, 1 GiB  (coming, 2199-01-01 00:00)" in run("list", "--all")
    assert "0.1 cores" not in run("list")
    number = next(one.number for one in grid.history() if one.row == TINY)
    run("change", str(number), "general-computing", "--cpu=0.2", "--memory=1", "--from=2199-01-01T00:00Z")

    trail = AuditEntry.objects.filter(account="demo", kind="PodSpecification").order_by("id")
    assert [one.action for one in trail] == ["cci:podspecification:create", "cci:podspecification:update"]
    with pytest.raises(CommandError, match="--from"):
        run("remove", str(number), "--from=soon")


def test_only_who_runs_the_installation_changes_it(alice: Identity) -> None:
    with pytest.raises(NotOperator):
        grid_changes.add(alice, TINY)
    assert pod_specifications() == DEFAULT
    assert AuditEntry.objects.get(kind="PodSpecification").outcome == "denied"
