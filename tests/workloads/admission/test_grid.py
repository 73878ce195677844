"""The grid is the operator's table: what is written there is what pods are judged by, and pods that run keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from iam.identities import Identity
from tests import manifests
from workloads.admission import grid
from workloads.client import Client, pod_specifications
from workloads.kinds.grids import DEFAULT, Grid, Row
from workloads.meta.errors import Invalid
from workloads.store.models import GridContainers, GridRow

TINY = Row("general-computing", 100, 100, 1, 1)


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
