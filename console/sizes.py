"""Pod specifications as the console writes them: `2 cores · 4 GiB`, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing import client as billing
from billing.client import NoPrice, Rate
from workloads.kinds import podspecs
from workloads.meta import quantity

SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"


@dataclass(frozen=True)
class Size:
    cpu_millis: int
    memory_mib: int
    gpu: str = ""
    gpus: int = 0

    def __str__(self) -> str:
        cards = f" · {self.gpus} x {self.gpu.removeprefix('nvidia.com/gpu-')}" if self.gpus else ""
        return f"{cores(self.cpu_millis)} · {gib(self.memory_mib)}{cards}"

    def rate(self, *, pods: int = 1) -> Rate | None:
        """None when the region has no price for it."""
        try:
            return billing.rate(
                self.cpu_millis,
                self.memory_mib,
                pods=pods,
                flavor=podspecs.ACCELERATED if self.gpus else podspecs.GENERAL,
                gpu_model=self.gpu,
                gpu_count=self.gpus,
            )
        except NoPrice:
            return None

    @classmethod
    def parse(cls, text: str) -> Size | None:
        """`2.00_4.0`, the annotation's form; None when it is not."""
        cpu, _sep, memory = text.partition("_")
        try:
            return cls(int(Decimal(cpu) * 1000), int(Decimal(memory) * 1024))
        except ArithmeticError:
            return None


def billed(pod: Mapping[str, Any]) -> Size | None:
    """What a pod is billed for; admission writes it on every pod."""
    found = podspecs.chosen(dict(pod))
    return Size(found.cpu_millis, found.memory_mib, found.gpu, found.gpus) if found else None


def asked(spec: Mapping[str, Any]) -> Size | None:
    """The sum of the containers' limits; None when a container names none."""
    cpu = memory = 0
    for container in spec.get("containers", []):
        limits = (container.get("resources") or {}).get("limits") or {}
        if "cpu" not in limits or "memory" not in limits:
            return None
        cpu += quantity.millicores(limits["cpu"])
        memory += quantity.whole(limits["memory"]) // quantity.MIB
    return Size(cpu, memory)


def cores(millis: int) -> str:
    number = f"{Decimal(millis) / 1000:f}".rstrip("0").rstrip(".") if millis % 1000 else str(millis // 1000)
    word = _("core") if millis == 1000 else _("cores")
    return f"{number} {word}"


def gib(mib: int) -> str:
    if mib % 1024:
        return f"{Decimal(mib) / 1024:.2f}".rstrip("0").rstrip(".") + " GiB"
    return f"{mib // 1024} GiB"
