"""Control groups of both versions, laid out as a kernel lays them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workloads.meta.keys import Uid
from workloads.runtimes.base import ContainerUsage
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.groupusage import GroupUsage, from_stats, traffic_from_stats

ONE = Uid("one")


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def v1(root: Path, group: str) -> None:
    write(root / "cpuacct" / group / "cpuacct.usage", "123456789\n")
    write(root / "memory" / group / "memory.usage_in_bytes", "9000000\n")
    write(root / "memory" / group / "memory.stat", "inactive_file 1\ntotal_cache 7\ntotal_inactive_file 4000000\n")


def v2(root: Path, group: str) -> None:
    write(root / group / "cpu.stat", "usage_usec 123456\nuser_usec 1\n")
    write(root / group / "memory.current", "9000000\n")
    write(root / group / "memory.stat", "anon 1\ninactive_file 4000000\n")


LAYOUTS = [
    ("1", "cgroupfs", "cci/one/abc", v1, 123456789),
    ("1", "cgroupfs", "docker/abc", v1, 123456789),
    ("2", "cgroupfs", "cci/one/abc", v2, 123456000),
    ("2", "systemd", "system.slice/docker-abc.scope", v2, 123456000),
    ("2", "systemd", "cci.slice/cci-podone.slice/docker-abc.scope", v2, 123456000),
    ("1", "systemd", "cci.slice/cci-podone.slice/docker-abc.scope", v1, 123456789),
]


@pytest.mark.parametrize(("version", "driver", "group", "lay", "cpu"), LAYOUTS)
def test_cpu_and_working_set_are_read(version, driver, group, lay, cpu, tmp_path: Path) -> None:
    for place in ("system.slice/ssh.service", "cpuacct/system.slice/ssh.service", group):
        lay(tmp_path, place)
    reader = GroupUsage(Cgroups(driver, version, tmp_path), whose=lambda: {"abc": (ONE, "app")})
    assert reader.sees_groups()
    (found,) = reader.read()
    assert (found.uid, found.container, found.id) == (ONE, "app", "abc")
    assert (found.cpu_nanoseconds, found.memory_bytes) == (cpu, 5_000_000)


def test_docker_is_asked_only_when_an_unknown_group_appears(tmp_path: Path) -> None:
    asked: list[int] = []

    def whose() -> dict[str, tuple[Uid, str]]:
        asked.append(1)
        return {"abc": (ONE, "app")}

    v1(tmp_path, "cci/one/abc")
    v1(tmp_path, "docker/somebody-elses")
    reader = GroupUsage(Cgroups("cgroupfs", "1", tmp_path), whose=whose)
    assert [len(reader.read()) for _ in range(3)] == [1, 1, 1]
    assert len(asked) == 1
    v1(tmp_path, "cci/two/def")
    reader.read()
    assert len(asked) == 2


def test_a_container_that_ends_between_two_reads_is_left_out(tmp_path: Path) -> None:
    v1(tmp_path, "cci/one/abc")
    (tmp_path / "memory/cci/one/abc/memory.stat").unlink()
    reader = GroupUsage(Cgroups("cgroupfs", "1", tmp_path), whose=lambda: {"abc": (ONE, "app")})
    assert reader.read() == []


def test_a_container_that_took_anothers_place_is_found(tmp_path: Path) -> None:
    v1(tmp_path, "cci/one/abc")
    reader = GroupUsage(Cgroups("cgroupfs", "1", tmp_path), whose=lambda: {"abc": (ONE, "app"), "def": (ONE, "app")})
    assert [one.id for one in reader.read()] == ["abc"]
    shutil.rmtree(tmp_path / "cpuacct/cci/one/abc")
    v1(tmp_path, "cci/one/def")
    assert [one.id for one in reader.read()] == ["def"]


def test_a_process_in_a_container_of_its_own_sees_no_groups(tmp_path: Path) -> None:
    assert not GroupUsage(Cgroups("cgroupfs", "2", tmp_path), whose=dict).sees_groups()
    assert not GroupUsage(Cgroups("", "2", tmp_path), whose=dict).sees_groups()


TABLE = """Inter-|   Receive                               |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo:    9999      10    0    0    0     0     0     0     9999      10    0    0    0     0     0     0
  eth0:    1200      10    0    0    0     0     0     0      340       5    0    0    0     0     0     0
"""


@pytest.mark.parametrize(("version", "driver", "group", "lay", "cpu"), LAYOUTS)
def test_a_pods_traffic_is_without_its_loopback(version, driver, group, lay, cpu, tmp_path: Path) -> None:
    lay(tmp_path, group)
    top = tmp_path if version == "2" else tmp_path / "cpuacct"
    write(top / group / "cgroup.procs", "77\n78\n")
    write(tmp_path / "proc/77/net/dev", TABLE)
    cgroups = Cgroups(driver, version, tmp_path)
    reader = GroupUsage(cgroups, whose=lambda: {"abc": (ONE, "app")}, processes=str(tmp_path / "proc"))
    reader.read()
    (found,) = reader.traffic()
    assert (found.uid, found.received_bytes, found.sent_bytes) == (ONE, 1200, 340)


@pytest.mark.parametrize("processes", ["", "0\n"])
def test_traffic_of_processes_out_of_sight_is_left_out(processes: str, tmp_path: Path) -> None:
    v2(tmp_path, "docker/abc")
    write(tmp_path / "docker/abc/cgroup.procs", processes)
    reader = GroupUsage(Cgroups("cgroupfs", "2", tmp_path), whose=lambda: {"abc": (ONE, "app")})
    reader.read()
    assert reader.traffic() == []


def test_dockers_own_reading_says_the_same() -> None:
    stats = {
        "cpu_stats": {"cpu_usage": {"total_usage": 42}},
        "memory_stats": {"usage": 9_000_000, "stats": {"inactive_file": 4_000_000}},
    }
    found = from_stats(ONE, "app", "abc", stats)
    assert isinstance(found, ContainerUsage)
    assert (found.cpu_nanoseconds, found.memory_bytes) == (42, 5_000_000)
    assert from_stats(ONE, "app", "abc", {"memory_stats": {}}) is None
    traffic = traffic_from_stats(ONE, {"networks": {"eth0": {"rx_bytes": 1200, "tx_bytes": 340}}})
    assert traffic
    assert (traffic.received_bytes, traffic.sent_bytes) == (1200, 340)
    assert traffic_from_stats(ONE, {}) is None
