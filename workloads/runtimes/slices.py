"""A slice a pod, where systemd owns the host's control groups: asked for over D-Bus with systemd's own `busctl`.

Slices are transient units: they live in memory, and a reboot ends them. In a unit's name a dash is a step down
(`a-b.slice` lies in `a.slice`), so a pod's uid is written with underscores, as the kubelet does. A slice says in its
description whose it is: several installs may share one host.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workloads.meta.keys import Uid

TOP = "cci.slice"
_PREFIX, _END = "cci-pod", ".slice"
_SECONDS = 10
_ENDLESS = 2**64 - 1
_PER_MILLI = 1000
"""Microseconds of a processor in a second, for a thousandth of a core."""
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")


class Refused(Exception):
    """What systemd, or the way to it, answered."""


class Exists(Refused):
    """There is a unit of that name."""


Ask = Callable[[Sequence[str]], str]
"""Runs a command and gives what it printed. Raises Refused."""


def ask(command: Sequence[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise Refused(f"{command[0]} of systemd is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{command[0]}: {error}") from error
    if ran.returncode == 0:
        return ran.stdout
    said = ran.stderr.strip()
    raise Exists(said) if "already" in said and "Unit" in said else Refused(f"systemd says: {said}")


def name(uid: Uid) -> str:
    return f"{_PREFIX}{uid.replace('-', '_')}{_END}"


def owner(unit: str) -> Uid | None:
    """The pod whose slice it is."""
    if not (unit.startswith(_PREFIX) and unit.endswith(_END)):
        return None
    return Uid(unit.removeprefix(_PREFIX).removesuffix(_END).replace("_", "-"))


@dataclass(frozen=True)
class Slices:
    """`instance` is the install whose pods these are."""

    instance: str
    ask: Ask = ask

    def start(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> None:
        """With its limits from its first moment; 0 is none. One that is there gets them. Raises Refused."""
        limits = _limits(cpu_millis, memory_bytes)
        try:
            self.ask(_start(uid, self._description(uid), limits))
        except Exists:
            self.ask(_set(uid, limits))

    def stop(self, uid: Uid) -> None:
        """And whatever is still in it. Raises Refused."""
        self.ask(_call("StopUnit", "ss", name(uid), "replace"))

    def owners(self) -> list[Uid]:
        """The pods of this install that have a slice. Raises Refused."""
        listed = self.ask(["systemctl", "list-units", "--type=slice", "--plain", "--no-legend", "--full", "cci-pod*"])
        units = (line.split(maxsplit=4) for line in listed.splitlines())
        found = ((owner(unit[0]), unit[4].strip()) for unit in units if len(unit) == 5)
        return [uid for uid, said in found if uid and said == self._description(uid)]

    def _description(self, uid: Uid) -> str:
        return f"Pod {uid} of CCI {self.instance}"


def _limits(cpu_millis: int, memory_bytes: int) -> list[tuple[str, str, str]]:
    """Name, D-Bus type and value. Pods do not swap."""
    return [
        ("CPUQuotaPerSecUSec", "t", str(cpu_millis * _PER_MILLI or _ENDLESS)),
        ("MemoryMax", "t", str(memory_bytes or _ENDLESS)),
        ("MemorySwapMax", "t", "0" if memory_bytes else str(_ENDLESS)),
    ]


def _start(uid: Uid, description: str, limits: list[tuple[str, str, str]]) -> list[str]:
    facts = [
        ("Description", "s", description),
        ("DefaultDependencies", "b", "false"),
        *((f"{what}Accounting", "b", "true") for what in ("CPU", "Memory", "Tasks")),
    ]
    return _call("StartTransientUnit", "ssa(sv)a(sa(sv))", name(uid), "fail", *_properties([*facts, *limits]), "0")


def _set(uid: Uid, limits: list[tuple[str, str, str]]) -> list[str]:
    return _call("SetUnitProperties", "sba(sv)", name(uid), "true", *_properties(limits))


def _properties(properties: list[tuple[str, str, str]]) -> list[str]:
    return [str(len(properties)), *(word for one in properties for word in one)]


def _call(method: str, signature: str, *words: str) -> list[str]:
    return ["busctl", "--system", "--quiet", "call", *_MANAGER, method, signature, *words]
