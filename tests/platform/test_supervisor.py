"""The supervisor's promises: what dies is started again, Ctrl-C leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from console.supervisor import Program, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
STAY = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: exit(0))\nwhile True: time.sleep(60)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"


def program(tmp_path: Path, name: str, code: str, stop_seconds: float = 8.0) -> Program:
    def ready() -> bool:
        return pid_of(tmp_path, name) > 0

    return Program(name, [sys.executable, "-S", "-c", code], ready=ready, stop_seconds=stop_seconds)


def supervisor(tmp_path: Path, *programs: Program) -> tuple[Supervisor, list[str]]:
    said: list[str] = []
    (tmp_path / "run").mkdir()
    return Supervisor(programs, logs=tmp_path / "logs", run=tmp_path / "run", say=said.append), said


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Not gone, and not merely waiting for somebody to take notice of its end (where no init does)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_of(tmp_path: Path, name: str) -> int:
    file = tmp_path / "run" / f"{name}.pid"
    return int(file.read_text() or 0) if file.exists() else -1


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    keeper, said = supervisor(tmp_path, program(tmp_path, "web", STAY))
    running = asyncio.create_task(keeper.run(started=lambda: None))
    await until(lambda: pid_of(tmp_path, "web") > 0)
    first = pid_of(tmp_path, "web")

    os.kill(first, signal.SIGKILL)
    await until(lambda: pid_of(tmp_path, "web") not in (-1, 0, first))

    assert "killed by SIGKILL" in said[0]
    keeper.stop()
    await running


async def test_a_child_that_had_run_for_long_is_started_again_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.supervisor.SHORTEST_PAUSE", 60.0)
    monkeypatch.setattr("console.supervisor.STABLE_AFTER", 0.0)
    keeper, said = supervisor(tmp_path, program(tmp_path, "envoy", STAY))
    running = asyncio.create_task(keeper.run(started=lambda: None))
    await until(lambda: pid_of(tmp_path, "envoy") > 0)

    for _ in range(2):
        killed = pid_of(tmp_path, "envoy")
        os.kill(killed, signal.SIGKILL)
        await until(lambda killed=killed: pid_of(tmp_path, "envoy") not in (-1, 0, killed))  # type: ignore[misc]

    assert len(said) == 2
    keeper.stop()
    await running


async def test_without_a_folder_for_logs_children_speak_where_their_supervisor_does(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from console.supervisor import Program, Supervisor
says = Program("one", [sys.executable, "-S", "-c", "print('hello', flush=True); import time; time.sleep(60)"])
keeper = Supervisor([says], logs=None, run=Path("."), say=print)
asyncio.run(keeper.run(started=lambda: None))
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(20):
        assert await parent.stdout.readline() == b"hello\n"
    parent.kill()
    await parent.wait()


async def test_stopping_ends_every_child(tmp_path: Path) -> None:
    keeper, _ = supervisor(tmp_path, program(tmp_path, "one", STAY), program(tmp_path, "two", STAY))
    running = asyncio.create_task(keeper.run(started=keeper.stop))
    await running

    assert not alive(pid_of(tmp_path, "one"))
    assert not alive(pid_of(tmp_path, "two"))


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    keeper, _ = supervisor(tmp_path, program(tmp_path, "deaf", STUBBORN, stop_seconds=0.2))
    await keeper.run(started=keeper.stop)

    assert not alive(pid_of(tmp_path, "deaf"))


async def test_children_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from console.supervisor import Program, Supervisor
stay = {STAY!r}
keeper = Supervisor([Program("web", [sys.executable, "-S", "-c", stay])], logs=Path("logs"), run=Path("run"), say=print)
asyncio.run(keeper.run(started=lambda: None))
"""
    (tmp_path / "run").mkdir()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    await until(lambda: pid_of(tmp_path, "web") > 0)

    parent.kill()
    await parent.wait()

    await until(lambda: not alive(pid_of(tmp_path, "web")))


async def test_what_is_urgent_goes_before_the_rest_and_so_does_who_starts_it(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from console.supervisor import Program, Supervisor
command = [sys.executable, "-S", "-c", {STAY!r}]
programs = [Program("envoy", command, urgent=True), Program("web", command)]
keeper = Supervisor(programs, logs=None, run=Path("run"), say=print)
asyncio.run(keeper.run(started=lambda: None))
"""
    (tmp_path / "run").mkdir()
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    await until(lambda: pid_of(tmp_path, "web") > 0)

    pids = (pid_of(tmp_path, "envoy"), keeper.pid, pid_of(tmp_path, "web"))
    first, starter, rest = (os.getpriority(os.PRIO_PROCESS, pid) for pid in pids)

    usual = os.getpriority(os.PRIO_PROCESS, 0)
    urgent = -10 if os.geteuid() == 0 else usual
    assert (first, starter, rest) == (urgent, urgent, usual)
    keeper.kill()
    await keeper.wait()
