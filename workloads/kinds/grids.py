"""The grid of pod specifications: which sizes there are, by rows an operator edits, and which is nearest to a wish.

The grid is data: `DEFAULT` holds the rows the product comes with. All functions are pure and take rows. What a pod asks
for, and what it gets, is `podspecs`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from workloads.meta.quantity import GIB, MIB

GENERAL, ACCELERATED = "general-computing", "gpu-accelerated"
FLAVORS = (GENERAL, ACCELERATED)

V100_16, V100_32, T4 = "nvidia.com/gpu-tesla-v100-16GB", "nvidia.com/gpu-tesla-v100-32GB", "nvidia.com/gpu-tesla-t4"
GPUS = (V100_16, V100_32, T4)
"""The cards of the default grid; an operator may add others."""

NO_ROWS = "there are no pod specifications here"
_GPU = re.compile(r"nvidia\.com/gpu-[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,40}[a-zA-Z0-9])?", re.ASCII)
_MOST_CORES, _MOST_GIB, _MOST_GPUS = 1024, 65_536, 64
_ELSEWHERE = (
    f"there are no graphics cards in this namespace: run the pod in one of flavor {ACCELERATED} (the annotation "
    "namespace.kubernetes.io/flavor, given when a namespace is made), or leave the card out"
)


def is_gpu(resource: str) -> bool:
    """Whether a resource's name is that of a card: `nvidia.com/gpu-` and its model."""
    return _GPU.fullmatch(resource) is not None


class Specification(NamedTuple):
    """A valid size. Ordered by CPU, then memory. `str()` is the sentence form, `annotation()` the stored one."""

    cpu_millis: int
    memory_gib: int
    gpu: str = ""
    gpus: int = 0

    @property
    def memory_bytes(self) -> int:
        return self.memory_gib * GIB

    @property
    def memory_mib(self) -> int:
        """As `billing.client.rate` takes it."""
        return self.memory_gib * 1024

    def size(self) -> Size:
        return Size(self.cpu_millis, self.memory_bytes, self.gpu, self.gpus)

    def annotation(self) -> str:
        """`2.00_4.0`; the cards stand in another one."""
        return f"{Decimal(self.cpu_millis) / 1000:.2f}_{self.memory_gib}.0"

    def gpu_annotation(self) -> str:
        """`nvidia.com/gpu-tesla-t4_1`; "" without cards."""
        return f"{self.gpu}_{self.gpus}" if self.gpus else ""

    def __str__(self) -> str:
        """`2 cores, 4 GiB`."""
        return f"{_cores(self.cpu_millis)}, {self.memory_gib} GiB{_cards(self.gpu, self.gpus)}"


@dataclass(frozen=True)
class Row:
    """A family of sizes: every CPU step with every whole GiB between the bounds, where the ratio allows it.
    A single size has `min` and `max` equal. Ratios are GiB per core; None: any."""

    flavor: str
    min_cpu_millis: int
    max_cpu_millis: int
    min_memory_gib: int
    max_memory_gib: int
    step_cpu_millis: int = 250
    min_ratio: int | None = None
    max_ratio: int | None = None
    gpu: str = ""
    gpus: int = 0

    @property
    def is_single(self) -> bool:
        return self.min_cpu_millis == self.max_cpu_millis and self.min_memory_gib == self.max_memory_gib

    def __str__(self) -> str:
        """`general-computing: 0.25-32 cores in steps of 0.25, 1-512 GiB, 2 to 8 GiB per core`."""
        if self.is_single:
            return f"{self.flavor}: {_first(self)}"
        memory = str(self.min_memory_gib)
        if self.max_memory_gib != self.min_memory_gib:
            memory += f"-{self.max_memory_gib}"
        ratio = f", {ratio_words([self])} per core" if _has_ratio(self) else ""
        cpu = cpu_words((self,)).removeprefix("exactly ")
        return f"{self.flavor}: {cpu}, {memory} GiB{ratio}{_cards(self.gpu, self.gpus)}"


@dataclass(frozen=True)
class ContainerRule:
    """What each container must obey that names its resources, and how many there may be (init containers apart)."""

    step_cpu_millis: int = 250
    min_memory_bytes: int = -(-GIB // 5)
    max_containers: int = 5


@dataclass(frozen=True)
class Grid:
    rows: tuple[Row, ...]
    containers: ContainerRule = field(default_factory=ContainerRule)

    def of(self, flavor: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.flavor == flavor)


def _general(low: int, high: int) -> Row:
    return Row(GENERAL, low, high, 1, 512, min_ratio=2, max_ratio=8)


def _gpu(gpu: str, gpus: int, cores: int, gib: int) -> Row:
    return Row(ACCELERATED, cores * 1000, cores * 1000, gib, gib, gpu=gpu, gpus=gpus)


_V100_SIZES = ((1, 4, 32), (2, 8, 64), (4, 16, 128), (8, 32, 256))
_T4_SIZES = ((1, 8, 32), (2, 16, 64), (4, 32, 128), (8, 64, 256))

DEFAULT = Grid(
    (
        _general(250, 32_000),
        _general(48_000, 48_000),
        _general(64_000, 64_000),
        *(_gpu(V100_16, *size) for size in _V100_SIZES),
        *(_gpu(V100_32, *size) for size in _V100_SIZES),
        *(_gpu(T4, *size) for size in _T4_SIZES),
    )
)


class Size(NamedTuple):
    """What containers add up to; not necessarily on the grid."""

    cpu_millis: int
    memory_bytes: int
    gpu: str = ""
    gpus: int = 0

    def __str__(self) -> str:
        """`1 core, 1.5 GiB`."""
        return f"{_cores(self.cpu_millis)}, {gib(self.memory_bytes)}{_cards(self.gpu, self.gpus)}"


# --- is it one, and what is near it -------------------------------------------------------------------------------


def parse(text: str) -> Specification | None:
    """`2.00_4.0` as a specification; None when it is not written like that. Whether it is on a grid is `on_grid`'s."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)_(\d{1,6})(?:\.0{1,3})?", text, re.ASCII)
    return Specification(int(Decimal(match[1]) * 1000), int(match[2])) if match else None


def parse_cards(text: str) -> tuple[str, int] | None:
    """`nvidia.com/gpu-tesla-t4_2` as model and number; None when it is not written like that."""
    gpu, _, number = text.rpartition("_")
    return (gpu, int(number)) if is_gpu(gpu) and re.fullmatch(r"[1-9]\d{0,2}", number, re.ASCII) else None


def on_grid(specification: Specification, rows: Iterable[Row]) -> bool:
    """Whether a row has exactly this size."""
    return any(_admits(row, specification.size()) for row in rows)


def exactly(asked: Size, rows: Iterable[Row]) -> Specification | None:
    """`asked` as the specification that it is; None where it is on no row."""
    if any(_admits(row, asked) for row in rows):
        return Specification(asked.cpu_millis, asked.memory_bytes // GIB, asked.gpu, asked.gpus)
    return None


def broken_rules(asked: Size, rows: Iterable[Row]) -> tuple[str, ...]:
    """The rules of the grid that `asked` breaks, as sentences made from the rows; none when it is on the grid."""
    given = tuple(rows)
    if not given:
        return (NO_ROWS,)
    if any(_admits(row, asked) for row in given):
        return ()
    if wrong := _wrong_card(asked, given):
        return (wrong,)
    of_card = tuple(row for row in given if row.gpu == asked.gpu)
    rows = tuple(row for row in of_card if row.gpus == asked.gpus) or of_card
    if asked.gpus and all(row.is_single for row in rows):
        return (f"a pod here must be exactly one of: {'; '.join(str(_first(row)) for row in rows)}",)
    found = []
    if not any(row.gpus == asked.gpus for row in rows):
        found.append(f"a pod must have {_listed(sorted({row.gpus for row in rows}))} of {asked.gpu}")
    if not any(_admits_cpu(row, asked.cpu_millis) for row in rows):
        found.append(f"CPU of a pod must be {cpu_words(rows)}")
    if not any(_admits_memory(row, asked.memory_bytes) for row in rows):
        low, high = min(row.min_memory_gib for row in rows), max(row.max_memory_gib for row in rows)
        found.append(f"memory of a pod must be a whole number of GiB, {low}-{high}")
    bound = [row for row in rows if _has_ratio(row)]
    if bound and not any(_admits_ratio(row, asked.cpu_millis, asked.memory_bytes) for row in rows):
        found.append(f"a pod must have {ratio_words(bound)} of memory per core")
    return tuple(found) or (f"no specification is {asked}",)


def smallest(rows: Iterable[Row], asked: Size) -> Specification | None:
    """The smallest specification that holds `asked`, by CPU, then memory. Cards are taken of the model that is asked,
    and none where none is asked."""
    found = [_smallest_of(row, asked) for row in rows if row.gpu == asked.gpu and row.gpus >= asked.gpus]
    return min((specification for specification in found if specification is not None), default=None)


def nearest(asked: Size, rows: Iterable[Row]) -> tuple[Specification, ...]:
    """The smallest specification that holds `asked`, then the largest that `asked` holds; those that there are. Where
    pods have other cards (or none) than asked: of each kind the smallest that holds the rest."""
    rows = tuple(rows)
    found = (smallest(rows, asked), _largest_within(rows, asked))
    listed = tuple(specification for specification in found if specification is not None)
    if listed:
        return listed
    others = [smallest(rows, asked._replace(gpu=gpu, gpus=asked.gpus if gpu else 0)) for gpu in _models(rows)]
    known = sorted(specification for specification in others if specification is not None)
    return tuple(known[:3]) or tuple(sorted({_first(row) for row in rows})[:3])


def holds(specification: Specification, asked: Size) -> bool:
    """Cards of one model, and no card that nobody asked for."""
    return (
        asked.cpu_millis <= specification.cpu_millis
        and asked.memory_bytes <= specification.memory_bytes
        and asked.gpu == specification.gpu
        and asked.gpus <= specification.gpus
    )


# --- what an operator may write -----------------------------------------------------------------------------------


class Problem(NamedTuple):
    """What is wrong with a row, at its field (one of `gridtexts.FIELDS`)."""

    field: str
    said: str


def row_problems(row: Row) -> list[Problem]:
    """All that is wrong with a row, as sentences that name the field."""
    found = []
    if row.flavor not in FLAVORS:
        found.append(Problem("flavor", f"flavor must be one of {', '.join(FLAVORS)}, not {row.flavor!r}"))
    if not 1 <= row.min_cpu_millis <= row.max_cpu_millis <= _MOST_CORES * 1000:
        found.append(Problem("cpu", f"CPU must be from above 0 to {_MOST_CORES} cores, the least first"))
    if not 1 <= row.step_cpu_millis <= _MOST_CORES * 1000:
        found.append(Problem("step", f"the step of CPU must be above 0 and at most {_MOST_CORES} cores"))
    elif (row.max_cpu_millis - row.min_cpu_millis) % row.step_cpu_millis:
        found.append(Problem("cpu", "the most CPU must be reached in whole steps from the least"))
    if not 1 <= row.min_memory_gib <= row.max_memory_gib <= _MOST_GIB:
        found.append(Problem("memory", f"memory must be whole GiB from 1 to {_MOST_GIB}, the least first"))
    low, high = row.min_ratio, row.max_ratio
    if any(ratio is not None and not 1 <= ratio <= _MOST_GIB for ratio in (low, high)) or (low or 0) > (
        high or low or 0
    ):
        found.append(Problem("ratio", "GiB per core must be whole numbers from 1, the least first"))
    found += _gpu_problems(row)
    if not found and _smallest_of(row, Size(0, 0)) is None:
        found.append(Problem("ratio", "nothing between these bounds has that many GiB per core"))
    return found


def rule_problems(rule: ContainerRule) -> list[str]:
    found = []
    if not 1 <= rule.step_cpu_millis <= _MOST_CORES * 1000:
        found.append(f"the step of a container's CPU must be above 0 and at most {_MOST_CORES} cores")
    if not 4 * MIB <= rule.min_memory_bytes <= _MOST_GIB * GIB:
        found.append("the least memory of a container must be 4 MiB or more: Docker starts none with less")
    if not 1 <= rule.max_containers <= 100:
        found.append("a pod may have from 1 to 100 containers")
    return found


def _gpu_problems(row: Row) -> list[Problem]:
    if row.flavor == ACCELERATED and not row.gpus:
        return [Problem("gpu", f"a row of {ACCELERATED} has cards: give gpu (such as {T4}) and gpus")]
    if row.flavor != ACCELERATED and (row.gpu or row.gpus):
        return [Problem("gpu", f"only rows of {ACCELERATED} have cards: leave gpu and gpus out")]
    if row.gpu and not is_gpu(row.gpu):
        return [Problem("gpu", f"gpu must be nvidia.com/gpu-<model>, such as {T4}, not {row.gpu!r}")]
    return [] if 0 <= row.gpus <= _MOST_GPUS else [Problem("gpus", f"gpus must be from 1 to {_MOST_GPUS}")]


# --- helpers ------------------------------------------------------------------------------------------------------


def _wrong_card(asked: Size, rows: tuple[Row, ...]) -> str:
    """What is wrong with the cards that are asked for, or with asking for none; "" when nothing is."""
    models = _models(rows)
    if asked.gpu in models:
        return ""
    named = [model for model in models if model]
    if asked.gpus:
        return f"there is no {asked.gpu} here; there are {', '.join(named)}" if named else _ELSEWHERE
    return f"a pod here needs a graphics card: give a container limits of one of {', '.join(named)}"


def _models(rows: Iterable[Row]) -> list[str]:
    """ "" stands for no card."""
    return sorted({row.gpu for row in rows})


def _admits(row: Row, asked: Size) -> bool:
    return (
        (row.gpu, row.gpus) == (asked.gpu, asked.gpus)
        and _admits_cpu(row, asked.cpu_millis)
        and _admits_memory(row, asked.memory_bytes)
        and _admits_ratio(row, asked.cpu_millis, asked.memory_bytes)
    )


def _admits_cpu(row: Row, millis: int) -> bool:
    above = millis - row.min_cpu_millis
    return 0 <= above <= row.max_cpu_millis - row.min_cpu_millis and above % row.step_cpu_millis == 0


def _admits_memory(row: Row, memory: int) -> bool:
    return memory % GIB == 0 and row.min_memory_gib <= memory // GIB <= row.max_memory_gib


def _admits_ratio(row: Row, millis: int, memory: int) -> bool:
    scaled = memory * 1000
    low = row.min_ratio is None or scaled >= row.min_ratio * GIB * millis
    return low and (row.max_ratio is None or scaled <= row.max_ratio * GIB * millis)


def _smallest_of(row: Row, asked: Size) -> Specification | None:
    """More CPU is taken when the memory asked for needs it, more memory when the CPU does."""
    gib = max(row.min_memory_gib, _up(asked.memory_bytes, GIB))
    millis = max(row.min_cpu_millis, asked.cpu_millis)
    if row.max_ratio is not None:
        millis = max(millis, _up(gib * 1000, row.max_ratio))
    millis = row.min_cpu_millis + _up(millis - row.min_cpu_millis, row.step_cpu_millis) * row.step_cpu_millis
    if row.min_ratio is not None:
        gib = max(gib, _up(millis * row.min_ratio, 1000))
    if millis > row.max_cpu_millis or gib > row.max_memory_gib:
        return None
    return Specification(millis, gib, row.gpu, row.gpus)


def _largest_within(rows: Iterable[Row], asked: Size) -> Specification | None:
    """The largest specification that is no larger than `asked`, by CPU, then memory."""
    found = [_largest_of(row, asked) for row in rows if row.gpu == asked.gpu and row.gpus <= asked.gpus]
    return max((specification for specification in found if specification is not None), default=None)


def _largest_of(row: Row, asked: Size) -> Specification | None:
    gib = min(row.max_memory_gib, asked.memory_bytes // GIB)
    millis = min(row.max_cpu_millis, asked.cpu_millis)
    if row.min_ratio:
        millis = min(millis, gib * 1000 // row.min_ratio)
    if millis < row.min_cpu_millis:
        return None
    millis -= (millis - row.min_cpu_millis) % row.step_cpu_millis
    if row.max_ratio is not None:
        gib = min(gib, millis * row.max_ratio // 1000)
    if gib < row.min_memory_gib:
        return None
    return Specification(millis, gib, row.gpu, row.gpus)


def _first(row: Row) -> Specification:
    found = _smallest_of(row, Size(0, 0))
    return found or Specification(row.min_cpu_millis, row.min_memory_gib, row.gpu, row.gpus)


def _up(amount: int, unit: int) -> int:
    """How many units hold `amount`."""
    return -(-amount // unit)


def cpu_words(rows: Iterable[Row]) -> str:
    """`0.25-32 cores in steps of 0.25, or exactly 48 or 64`."""
    rows = tuple(rows)
    spans = [row for row in rows if row.min_cpu_millis != row.max_cpu_millis]
    single = [number(row.min_cpu_millis) for row in rows if row.min_cpu_millis == row.max_cpu_millis]
    words = [
        f"{number(row.min_cpu_millis)}-{number(row.max_cpu_millis)} cores in steps of {number(row.step_cpu_millis)}"
        for row in spans
    ]
    if single:
        words.append(f"exactly {_listed(dict.fromkeys(single))}" + ("" if spans else " cores"))
    return ", or ".join(words)


def _has_ratio(row: Row) -> bool:
    return row.min_ratio is not None or row.max_ratio is not None


def ratio_words(rows: Iterable[Row]) -> str:
    """`2 to 8 GiB`."""
    words = []
    for row in rows:
        if row.min_ratio is None:
            words.append(f"at most {row.max_ratio} GiB")
        elif row.max_ratio is None:
            words.append(f"at least {row.min_ratio} GiB")
        else:
            words.append(f"{row.min_ratio} to {row.max_ratio} GiB")
    return ", or ".join(dict.fromkeys(words))


def _listed(words: Iterable[object]) -> str:
    """`48 or 64`; `1, 2 or 4`."""
    *most, last = map(str, words)
    return f"{', '.join(most)} or {last}" if most else last


def number(millis: int) -> str:
    """`0.25`, `32`."""
    return f"{(Decimal(millis) / 1000).normalize():f}"


def _cores(millis: int) -> str:
    return f"{number(millis)} {'core' if millis == 1000 else 'cores'}"


def _cards(gpu: str, gpus: int) -> str:
    return f", {gpus} x {gpu}" if gpu else ""


def gib(memory: int) -> str:
    """`4 GiB`, `0.2 GiB`, `100 MiB`: at most three decimals, never rounded to nothing."""
    if memory and memory * 10 < GIB:
        return f"{memory // MIB} MiB" if memory % MIB == 0 else f"{memory} bytes"
    return f"{(Decimal(memory) / GIB).quantize(Decimal('0.001')).normalize():f} GiB"
