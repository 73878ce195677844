"""What is sent to Docker and what is read from it, as plain data: no daemon needed."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from workloads.meta.keys import Uid
from workloads.runtimes import inspection, names, pause, payloads
from workloads.runtimes.base import ContainerSpec, NetworkSpec, PullProgress, SandboxSpec
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.daemon import demultiplexed
from workloads.runtimes.pulls import Layers

UID = Uid("2f1f1c5e-5a0e-4d0c-8c8e-0c9c5a0e4d0c")


def app(**changes: Any) -> ContainerSpec:
    facts: dict[str, Any] = {"name": "app", "image": "busybox:1", "command": None, "args": None, "environment": {}}
    return ContainerSpec(**{**facts, **changes})


def pod(container: ContainerSpec) -> SandboxSpec:
    return SandboxSpec(
        uid=UID,
        account="acme",
        namespace="shop",
        name="web-1.x",
        network=NetworkSpec(name="n", cidr="10.0.0.0/24", labels={"cci.io/account": "acme"}),
        hostname="web-1",
        containers=(container,),
        cpu_millis=1000,
        memory_bytes=1024**3,
    )


def body(**changes: Any) -> dict[str, Any]:
    one = app(**changes)
    return payloads.container(pod(one), one, attempt=2, sandbox="abc", cgroup="/cci/u", instance="i")


# Names


def test_a_sandboxs_name_tells_its_pod() -> None:
    assert names.pod_of("/" + names.sandbox_name(UID, "web-1.x")) == (UID, "web-1.x")


@pytest.mark.parametrize(
    "name",
    [names.warm_name(), names.container_name(UID, "app", 0), "somebody_elses"],
    ids=["warm", "container", "foreign"],
)
def test_other_names_tell_no_pod(name: str) -> None:
    assert names.pod_of(name) is None


# What is sent


def test_a_container_joins_its_sandbox_and_says_whose_it_is() -> None:
    sent = body()
    assert sent["HostConfig"]["NetworkMode"] == sent["HostConfig"]["IpcMode"] == "container:abc"
    assert sent["HostConfig"]["CgroupParent"] == "/cci/u"
    assert sent["Labels"] == {
        "cci.io/instance": "i",
        "cci.io/pod-uid": UID,
        "cci.io/account": "acme",
        "cci.io/namespace": "shop",
        "cci.io/pod": "web-1.x",
        "cci.io/container": "app",
        "cci.io/attempt": "2",
    }


def test_what_the_pod_does_not_say_is_left_to_the_image() -> None:
    assert not {"Entrypoint", "Cmd", "WorkingDir"} & body().keys()


def test_command_and_args_replace_entrypoint_and_cmd() -> None:
    sent = body(command=("a", "b"), args=("c",), working_dir="/w")
    assert (sent["Entrypoint"], sent["Cmd"], sent["WorkingDir"]) == (["a", "b"], ["c"], "/w")


def test_limits_are_the_containers_own_and_swap_gives_no_more() -> None:
    host = body(cpu_millis=250, memory_bytes=1000)["HostConfig"]
    assert (host["CpuQuota"], host["CpuPeriod"], host["CpuShares"]) == (25_000, 100_000, 256)
    assert (host["Memory"], host["MemorySwap"]) == (1000, 1000)


def test_a_container_without_limits_has_the_pods() -> None:
    host = body()["HostConfig"]
    assert host["CpuQuota"] / host["CpuPeriod"] == 1
    assert (host["Memory"], host["MemorySwap"]) == (1024**3, 1024**3)


def test_cards_are_asked_for_by_number_and_only_where_there_are_some() -> None:
    (request,) = body(gpus=("0", "3"))["HostConfig"]["DeviceRequests"]
    assert request == {"Driver": "nvidia", "DeviceIDs": ["0", "3"], "Capabilities": [["gpu"]]}
    assert "DeviceRequests" not in body()["HostConfig"]


def test_pods_do_not_swap(tmp_path: Path) -> None:
    group = tmp_path / "memory" / "cci" / UID
    group.mkdir(parents=True)
    (group / "memory.memsw.limit_in_bytes").touch()
    Cgroups(driver="cgroupfs", version="1", root=tmp_path).pod_group(UID, cpu_millis=500, memory_bytes=1000)
    assert (group / "memory.memsw.limit_in_bytes").read_text() == "1000"


def test_a_warm_sandbox_carries_what_is_known_of_its_network_only() -> None:
    sent = payloads.warm_sandbox(pod(app()).network, image="p", instance="i")
    assert sent["Labels"] == {"cci.io/account": "acme", "cci.io/warm": "n", "cci.io/instance": "i"}
    assert "Hostname" not in sent


# What is read


def test_never_is_no_time() -> None:
    assert inspection.moment("0001-01-01T00:00:00Z") is None
    assert inspection.moment("") is None


def test_times_are_dockers_own_to_the_microsecond() -> None:
    moment = inspection.moment("2026-03-01T12:00:00.123456789Z")
    assert moment is not None
    assert moment.isoformat() == "2026-03-01T12:00:00.123456+00:00"


def test_layers_add_up_and_a_finished_one_counts_whole() -> None:
    layers = Layers()
    moved = [
        layers.take({"status": "Pulling from team/app", "id": "1"}),
        layers.take({"status": "Downloading", "id": "a", "progressDetail": {"current": 10, "total": 100}}),
        layers.take({"status": "Downloading", "id": "b", "progressDetail": {"current": 5, "total": 50}}),
        layers.take({"status": "Download complete", "id": "a"}),
        layers.take({"status": "Extracting", "id": "a", "progressDetail": {"current": 1, "total": 100}}),
        layers.take({"status": "Digest: sha256:..."}),
    ]
    assert moved == [False, True, True, True, False, False]
    assert layers.progress == PullProgress(current_bytes=105, total_bytes=150)


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_frames_come_out_whole_however_they_were_cut(size: int) -> None:
    frames = b"\x01\0\0\0\0\0\0\x04one\n" + b"\x02\0\0\0\0\0\0\x00" + b"\x02\0\0\0\0\0\0\x04two\n"
    pieces = [frames[at : at + size] for at in range(0, len(frames), size)]
    assert b"".join(demultiplexed(pieces)) == b"one\ntwo\n"


def test_a_frame_that_breaks_off_is_left_out() -> None:
    assert list(demultiplexed([b"\x01\0\0\0\0\0\0\x04on"])) == []


# The pause image


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_the_pause_image_is_one_small_executable(architecture: str) -> None:
    with tarfile.open(fileobj=BytesIO(pause.image_tar(architecture))) as archive:
        (entry,) = archive.getmembers()
        program = archive.extractfile(entry)
        assert program is not None
        content = program.read()
    assert (entry.name, entry.mode) == ("pause", 0o755)
    assert content.startswith(b"\x7fELF")
    assert len(content) < 256


def test_an_unknown_processor_is_named() -> None:
    with pytest.raises(pause.UnknownProcessor, match="'riscv64': only for x86_64 and aarch64"):
        pause.elf("riscv64")


def test_the_program_waits_until_it_is_told_to_stop(tmp_path: Path) -> None:
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    program = tmp_path / "pause"
    program.write_bytes(pause.elf(machine))
    program.chmod(0o755)
    with subprocess.Popen([program]) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.2)
        running.kill()


# Control groups


def test_the_ceiling_is_written_for_version_1(tmp_path: Path) -> None:
    cgroups = Cgroups(driver="cgroupfs", version="1", root=tmp_path)
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=1000) == f"/cci/{UID}"
    assert (tmp_path / "memory" / "cci" / UID / "memory.limit_in_bytes").read_text() == "1000"
    assert (tmp_path / "cpu" / "cci" / UID / "cpu.cfs_quota_us").read_text() == "50000"


def test_the_ceiling_is_written_for_version_2(tmp_path: Path) -> None:
    cgroups = Cgroups(driver="cgroupfs", version="2", root=tmp_path)
    assert cgroups.pod_group(UID, cpu_millis=500, memory_bytes=0) == f"/cci/{UID}"
    assert (tmp_path / "cci" / UID / "memory.max").read_text() == "max"
    assert (tmp_path / "cci" / UID / "cpu.max").read_text() == "50000 100000"


def test_a_tree_that_cannot_be_written_gives_no_ceiling() -> None:
    assert (
        Cgroups(driver="cgroupfs", version="1", root=Path("/proc")).pod_group(UID, cpu_millis=1, memory_bytes=1) == ""
    )
