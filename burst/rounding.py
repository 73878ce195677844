"""What size a pod of the cluster has in CCI: its containers' sum, taken up to the next pod specification. Pure.

The rules are those of general-computing; whatever grid an operator made of them, CCI has the last word when the pod is
created there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from burst import quantities
from burst.refusals import Refused

JSON = dict[str, Any]

GIB = Decimal(1024**3)
STEP = Decimal("0.25")
MOST_CORES = Decimal(32)
SINGLE_CORES = (Decimal(48), Decimal(64))
MOST_GIB = 512
LEAST_RATIO, MOST_RATIO = 2, 8
SIZES = "0.25 to 32 cores in steps of 0.25, or 48 or 64, and 1 to 512 GiB of memory, 2 to 8 GiB per core"


@dataclass(frozen=True)
class Asked:
    """What containers add up to."""

    cores: Decimal
    gib: Decimal


@dataclass(frozen=True)
class Rounded:
    """A pod specification: cores and whole GiB."""

    cores: Decimal
    gib: int

    def cpu_text(self) -> str:
        """`0.25`, `1`, `1.5`."""
        return f"{self.cores.normalize():f}"

    def memory_text(self) -> str:
        return f"{self.gib}Gi"

    def size(self) -> str:
        """As CCI's annotation has it: `1.25_10.0`."""
        return f"{self.cores:.2f}_{self.gib}.0"


def rounded(spec: JSON) -> Rounded:
    """The size of a pod with this spec. Raises Refused when there is none that holds it."""
    return round_up(effective(spec))


def round_up(asked: Asked) -> Rounded:
    """CPU up to a step and memory up to a GiB, then whichever is too little for the other. Raises Refused."""
    cores = max(_up(asked.cores, STEP), STEP)
    gib = max(_up(asked.gib, Decimal(1)), Decimal(1))
    if gib > MOST_RATIO * cores:
        cores = _up(gib / MOST_RATIO, STEP)
    elif gib < LEAST_RATIO * cores:
        gib = _up(LEAST_RATIO * cores, Decimal(1))
    if gib > MOST_GIB or not (cores <= MOST_CORES or cores in SINGLE_CORES):
        raise Refused(
            "BurstSizeRefused",
            f"the pod asks for {_text(asked.cores)} cores and {_text(asked.gib)} GiB; rounded up to {_text(cores)} "
            f"cores and {_text(gib)} GiB, and CCI has no such size ({SIZES}); ask for less",
        )
    return Rounded(cores, int(gib))


def effective(spec: JSON) -> Asked:
    """Per resource: the greater of the sum over the containers and the largest init container. A sidecar (an init
    container that goes on running) counts with the containers, and beside the init containers after it."""
    mains = [_container(container) for container in spec.get("containers") or []]
    inits: list[Asked] = []
    sidecars: list[Asked] = []
    for container in spec.get("initContainers") or []:
        size = _container(container)
        inits.append(_sum([size, *sidecars]))
        if container.get("restartPolicy") == "Always":
            sidecars.append(size)
    every = [_sum([*mains, *sidecars]), *inits]
    return Asked(max(size.cores for size in every), max(size.gib for size in every))


def _container(container: JSON) -> Asked:
    """The limit, else the request, of each resource; what is not named counts as nothing. Raises Refused."""
    resources = container.get("resources") or {}
    asked = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    return Asked(_parsed(asked, "cpu", container), _parsed(asked, "memory", container) / GIB)


def _parsed(asked: JSON, resource: str, container: JSON) -> Decimal:
    text = str(asked.get(resource, "0"))
    try:
        return quantities.parse(text)
    except ValueError:
        sentence = f'container {container.get("name", "")} asks for {resource} "{text}", which is no quantity'
        raise Refused("BurstSizeRefused", sentence) from None


def _sum(sizes: Iterable[Asked]) -> Asked:
    listed = list(sizes)
    return Asked(sum((size.cores for size in listed), Decimal(0)), sum((size.gib for size in listed), Decimal(0)))


def _up(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def _text(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.001')).normalize():f}"
