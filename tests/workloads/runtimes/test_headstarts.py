"""While a container starts, its CPU limit does not hold it up; before and after, it is what it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workloads.meta.keys import Uid
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.headstarts import Headstarts, Limits

POD, OWN, LIFTED = "50000", "25000", "100000"


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A pod's, with its limit."""
    found = tmp_path / "cgroup" / "cpu" / "cci" / "u"
    found.mkdir(parents=True)
    (found / "cpu.cfs_quota_us").write_text(POD)
    return found


def limits(tmp_path: Path) -> Limits:
    tree = Cgroups(driver="cgroupfs", version="1", root=tmp_path / "cgroup")
    return tree.cpu_limits("c", parent="/cci/u", cpu_millis=250, pod_millis=500)


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not holds() and time.monotonic() < until:
        time.sleep(0.001)
    return holds()


def test_limits_are_lifted_while_it_starts_and_then_put_back(tmp_path: Path, group: Path) -> None:
    own = group / "c" / "cpu.cfs_quota_us"
    with Headstarts(tmp_path / "notes").given("c", limits(tmp_path)):
        own.parent.mkdir()  # the runtime makes it when the start has begun
        own.write_text(OWN)
        assert soon(lambda: own.read_text() == LIFTED and (group / own.name).read_text() == LIFTED)

    assert (own.read_text(), (group / own.name).read_text()) == (OWN, POD)
    assert not list((tmp_path / "notes").iterdir())


def test_a_start_that_fails_leaves_the_pod_its_limit(tmp_path: Path, group: Path) -> None:
    with pytest.raises(LookupError), Headstarts(tmp_path / "notes").given("c", limits(tmp_path)):
        raise LookupError

    assert (group / "cpu.cfs_quota_us").read_text() == POD


def test_what_a_dead_worker_left_lifted_the_next_one_puts_back(tmp_path: Path, group: Path) -> None:
    giving = Headstarts(tmp_path / "notes").given("c", limits(tmp_path))
    giving.__enter__()
    assert soon(lambda: (group / "cpu.cfs_quota_us").read_text() == LIFTED)
    notes = {note.name: note.read_text() for note in (tmp_path / "notes").iterdir()}
    giving.__exit__(None, None, None)
    (group / "cpu.cfs_quota_us").write_text(LIFTED)  # as it was when the worker died
    for name, text in notes.items():
        (tmp_path / "notes" / name).write_text(text)

    Headstarts(tmp_path / "notes").put_back()

    assert (group / "cpu.cfs_quota_us").read_text() == POD
    assert not list((tmp_path / "notes").iterdir())


@pytest.mark.parametrize(("own", "pod", "lifted"), [(1000, 2000, 0), (250, 2000, 1), (0, 0, 0)])
def test_only_limits_below_one_core_are_lifted(own: int, pod: int, lifted: int) -> None:
    tree = Cgroups(driver="cgroupfs", version="2")
    found = tree.cpu_limits("c", parent=f"/cci/{Uid('u')}", cpu_millis=own, pod_millis=pod)

    assert len(found) == lifted
    assert all(file.name == "cpu.max" for file in found)
    assert set(found.values()) <= {("25000 100000", "100000 100000")}


def test_limits_of_scopes_in_a_slice_are_lifted_too(tmp_path: Path) -> None:
    tree = Cgroups(driver="systemd", version="2", root=tmp_path)
    pod = tmp_path / "cci.slice" / "cci-podu.slice"
    found = tree.cpu_limits("c", parent="cci-podu.slice", cpu_millis=250, pod_millis=500)
    assert list(found) == [pod / "docker-c.scope" / "cpu.max", pod / "cpu.max"]


def test_where_pods_have_no_groups_nothing_is_lifted() -> None:
    assert not Cgroups(driver="systemd", version="2").cpu_limits("c", parent="", cpu_millis=250, pod_millis=250)
