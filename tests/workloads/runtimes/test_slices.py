"""A pod's slice: what systemd is asked for, when, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from workloads.meta.keys import Uid
from workloads.runtimes import slices
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.slices import Exists, Refused, Slices

UID = Uid("0b1c-22")
UNIT = "cci-pod0b1c_22.slice"
MIB = 1024**2


class Systemd:
    """Makes slices in a tree of version 2, as systemd does, and keeps what it was asked for."""

    def __init__(self, root: Path) -> None:
        self.root, self.descriptions, self.asked = root, dict[str, str](), list[str]()

    def __call__(self, command: Sequence[str]) -> str:
        words = list(command)
        if words[0] == "systemctl":
            return "".join(f"{unit} loaded active active {said}\n" for unit, said in self.descriptions.items())
        method, unit = words[7], words[9]
        self.asked.append(method)
        place = self.root / "cci.slice" / unit
        if method == "StopUnit":
            del self.descriptions[unit]
            for file in place.iterdir():
                file.unlink()
            place.rmdir()
            return ""
        if method == "StartTransientUnit":
            if unit in self.descriptions:
                raise Exists(f"Unit {unit} already exists.")
            self.descriptions[unit] = words[words.index("Description") + 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / "memory.max").write_text(words[words.index("MemoryMax") + 2])
        (place / "cpu.max").write_text(f"{int(words[words.index('CPUQuotaPerSecUSec') + 2]) // 10} 100000")
        return ""


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


@pytest.fixture
def cgroups(systemd: Systemd) -> Cgroups:
    return Cgroups(driver="systemd", version="2", root=systemd.root, slices=Slices("here", systemd))


def test_a_pod_gets_a_slice_below_ours_with_its_limits(cgroups: Cgroups, tmp_path: Path) -> None:
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB) == UNIT
    place = tmp_path / "cci.slice" / UNIT
    assert cgroups.pod_place(UID, "memory") == place
    assert (place / "memory.max").read_text() == str(64 * MIB)
    assert (place / "cpu.max").read_text() == "50000 100000"
    assert cgroups.processes("abc", parent=UNIT) == place / "docker-abc.scope" / "cgroup.procs"
    assert cgroups.processes("abc", parent="") == tmp_path / "system.slice" / "docker-abc.scope" / "cgroup.procs"


def test_systemd_is_asked_once_also_while_a_limit_is_lifted(cgroups: Cgroups, systemd: Systemd) -> None:
    cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB)
    (cgroups.pod_place(UID, "cpu") / "cpu.max").write_text("100000 100000")
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB) == UNIT
    assert systemd.asked == ["StartTransientUnit"]


def test_a_slice_that_lost_its_limits_gets_them_back(cgroups: Cgroups, systemd: Systemd) -> None:
    cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB)
    memory = cgroups.pod_place(UID, "memory") / "memory.max"
    memory.write_text("max")
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB) == UNIT
    assert memory.read_text() == str(64 * MIB)


def test_a_removed_pods_slice_goes_and_a_second_time_asks_nobody(cgroups: Cgroups, systemd: Systemd) -> None:
    cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB)
    for _ in range(2):
        cgroups.remove(UID)
    assert not cgroups.pod_place(UID, "memory").exists()
    assert systemd.asked == ["StartTransientUnit", "StopUnit"]


def test_an_install_knows_its_own_slices_alone(cgroups: Cgroups, systemd: Systemd) -> None:
    assert cgroups.owners() == []
    cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB)
    other = Cgroups(driver="systemd", version="2", root=systemd.root, slices=Slices("there", systemd))
    other.pod_group(Uid("ff-1"), cpu_millis=500, memory_bytes=64 * MIB)
    assert (cgroups.owners(), other.owners()) == ([UID], [Uid("ff-1")])


def test_where_systemd_cannot_be_asked_there_is_no_ceiling_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(command: Sequence[str]) -> str:
        raise Refused("there is no bus")

    cgroups = Cgroups(driver="systemd", version="2", root=tmp_path, slices=Slices("here", ask))
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=64 * MIB) == ""
    assert "no ceiling beyond their containers' own limits: there is no bus" in caplog.text


def test_a_command_that_is_missing_or_fails_is_refused_in_its_words() -> None:
    with pytest.raises(Refused, match="no-such-command of systemd is not installed"):
        slices.ask(["no-such-command"])
    with pytest.raises(Refused, match="out of order"):
        slices.ask(["sh", "-c", "echo out of order >&2; exit 1"])
    with pytest.raises(Exists):
        slices.ask(["sh", "-c", "echo Unit x.slice was already loaded or has a fragment file. >&2; exit 1"])
    assert slices.ask(["echo", "fine"]) == "fine\n"
