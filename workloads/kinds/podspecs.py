"""The pod specification: the size a pod is limited to and billed for, and the grid of sizes there are.

The grid is data: `Row`s an operator edits; `DEFAULT` holds the rows the product comes with. All functions are pure and
take the grid. `fit` is the way in: it gives the `Specification` a pod (or template) gets, or raises `OffGrid` with what
is wrong and the nearest valid sizes. `explain` says of a pod that exists what was requested, what is billed, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from workloads.meta import quantity
from workloads.meta.errors import Cause
from workloads.meta.quantity import GIB, MIB

JSON = dict[str, Any]

ANNOTATION = "resource.cci.io/pod-size-specs"

V100_16, V100_32, T4 = "nvidia.com/gpu-tesla-v100-16GB", "nvidia.com/gpu-tesla-v100-32GB", "nvidia.com/gpu-tesla-t4"
GPUS = (V100_16, V100_32, T4)


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
        """`2.00_4.0`."""
        return f"{Decimal(self.cpu_millis) / 1000:.2f}_{self.memory_gib}.0"

    def __str__(self) -> str:
        """`2 cores, 4 GiB`."""
        gpu = f", {self.gpus} x {self.gpu}" if self.gpu else ""
        return f"{_cores(self.cpu_millis)}, {self.memory_gib} GiB{gpu}"


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
    return Row("general-computing", low, high, 1, 512, min_ratio=2, max_ratio=8)


def _gpu(gpu: str, gpus: int, cores: int, gib: int) -> Row:
    return Row("gpu-accelerated", cores * 1000, cores * 1000, gib, gib, gpu=gpu, gpus=gpus)


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
        gpu = f", {self.gpus} x {self.gpu}" if self.gpu else ""
        return f"{_cores(self.cpu_millis)}, {_gib(self.memory_bytes)}{gpu}"


@dataclass(frozen=True)
class Problem:
    """One rule that is broken: where, which, and what was asked."""

    field: str
    rule: str
    asked: str


class OffGrid(ValueError):
    """There is no specification for what was asked. `nearest` are valid ones, the next that holds it first."""

    def __init__(self, problems: Iterable[Problem], nearest: tuple[Specification, ...] = ()) -> None:
        self.problems = tuple(problems)
        self.nearest = nearest
        super().__init__("; ".join(problem.rule for problem in self.problems))

    def causes(self, *, priced: Callable[[Specification], str] = str) -> tuple[Cause, ...]:
        """For `Status.details.causes`. `priced(specification)` may add the price to its words."""
        remedy = ""
        if self.nearest:
            remedy = "; nearest valid specifications: " + " or ".join(priced(nearest) for nearest in self.nearest)
        return tuple(
            Cause(problem.field, f"Invalid value: {problem.asked}: {problem.rule}{remedy}") for problem in self.problems
        )


@dataclass(frozen=True)
class Fit:
    """The specification a pod gets."""

    specification: Specification
    requested: Size
    rules: tuple[str, ...] = ()
    """The rules that made it another size than was requested, as sentences; none when it is exactly that."""
    chosen: bool = False
    """By the annotation."""

    @property
    def changed(self) -> bool:
        """Whether the caller should be told: something else is billed than was asked, without having been chosen."""
        return bool(self.rules) and not self.chosen


@dataclass(frozen=True)
class Explanation:
    """`requested` -> `billed`, because of `rule`: what the console shows."""

    requested: str
    billed: str
    rule: str


def fit(pod: JSON, *, flavor: str, grid: Grid = DEFAULT, rounding: bool = False, at: str = "") -> Fit:
    """The specification of `pod`: a Pod, or a pod template standing at the path `at` (`spec.template`).

    The annotation decides where there is one, and the containers must fit into it. Else the effective size of the
    containers is the specification; off the grid it is refused, or with `rounding` taken up to the smallest that holds
    it. Containers without any resources get the smallest there is. The pod must have passed its kind's `validate`.
    Raises OffGrid."""
    prefix = f"{at}." if at else ""
    rows, asked = grid.of(flavor), effective_size(pod["spec"])
    problems = container_problems(pod["spec"], grid=grid, rounding=rounding, at=f"{prefix}spec")
    if problems:
        raise OffGrid(problems, nearest(asked, rows))
    text = annotation(pod)
    if text is not None:
        return _chosen(text, asked, rows, at=prefix)
    smallest = _smallest(rows, Size(0, 0, asked.gpu, asked.gpus))
    if smallest and not asked.cpu_millis and not asked.memory_bytes:
        return Fit(smallest, asked, ("containers without resources get the smallest specification",))
    broken = broken_rules(asked, rows)
    holding = _smallest(rows, asked)
    if holding and (rounding or not broken):
        return Fit(holding, asked, broken)
    where = f"{prefix}spec.containers" + ("[0].resources" if len(pod["spec"]["containers"]) == 1 else "")
    raise OffGrid([Problem(where, "; ".join(broken), str(asked))], nearest(asked, rows))


def explain(pod: JSON, *, flavor: str, grid: Grid = DEFAULT) -> Explanation:
    """Of a pod that has its annotation: what its containers request, what is billed, and the rule that fired."""
    asked, billed = effective_size(pod["spec"]), chosen(pod)
    if billed is None:
        return Explanation(str(asked), "", "not sized yet")
    rows = grid.of(flavor)
    if asked.cpu_millis == 0 and asked.memory_bytes == 0:
        said, request = "containers without resources get the smallest specification", "no resources"
        return Explanation(request, str(billed), said if billed == _smallest(rows, asked) else _CHOSEN)
    if (billed.cpu_millis, billed.memory_bytes) == (asked.cpu_millis, asked.memory_bytes):
        return Explanation(str(asked), str(billed), "billed as requested")
    broken = broken_rules(asked, rows)
    rule = "; ".join(broken) if broken and billed == _smallest(rows, asked) else _CHOSEN
    return Explanation(str(asked), str(billed), rule)


_CHOSEN = "the pod specification that was chosen is billed, whatever its containers request"


def annotation(pod: JSON) -> str | None:
    """The stored specification's text, None when there is none."""
    value = ((pod.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    return None if value is None else str(value)


def chosen(pod: JSON) -> Specification | None:
    """The specification stored on a pod (or template), None when there is none or it cannot be read."""
    return parse(annotation(pod) or "")


def parse(text: str) -> Specification | None:
    """`2.00_4.0` as a specification; None when it is not written like that. Whether it is on a grid is `on_grid`'s."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)_(\d{1,6})(?:\.0{1,3})?", text, re.ASCII)
    return Specification(int(Decimal(match[1]) * 1000), int(match[2])) if match else None


def on_grid(specification: Specification, rows: Iterable[Row]) -> bool:
    """Whether a row has exactly this size."""
    return any(_admits(row, specification.size()) for row in rows)


def effective_size(spec: JSON) -> Size:
    """Per resource: the greater of the sum over the containers and the largest init container. A sidecar (an init
    container that goes on running) counts with the containers, and beside the init containers after it. What a
    container does not name counts as nothing."""
    mains = [_container_size(container) for container in spec.get("containers") or []]
    inits: list[Size] = []
    sidecars: list[Size] = []
    for container in spec.get("initContainers") or []:
        size = _container_size(container)
        beside = [size, *sidecars]
        inits.append(Size(sum(one.cpu_millis for one in beside), sum(one.memory_bytes for one in beside)))
        if container.get("restartPolicy") == "Always":
            sidecars.append(size)
    mains += sidecars
    total = Size(
        sum(size.cpu_millis for size in mains),
        sum(size.memory_bytes for size in mains),
        next((size.gpu for size in mains if size.gpu), ""),
        sum(size.gpus for size in mains),
    )
    return total._replace(
        cpu_millis=max([total.cpu_millis, *(size.cpu_millis for size in inits)]),
        memory_bytes=max([total.memory_bytes, *(size.memory_bytes for size in inits)]),
    )


def container_problems(spec: JSON, *, grid: Grid = DEFAULT, rounding: bool = False, at: str = "spec") -> list[Problem]:
    """What is wrong with the containers one by one. With `rounding` their sizes are free and a request may be below
    its limit; the number of containers is bounded under either policy."""
    rule, mains = grid.containers, spec.get("containers") or []
    found = []
    if len(mains) > rule.max_containers:
        words = f"a pod may have at most {rule.max_containers} containers; put the others into a pod of their own"
        found.append(Problem(f"{at}.containers", words, f"{len(mains)} containers"))
    if rounding:
        return found
    for part in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(part) or []):
            found += _container_problems(container, rule, at=f"{at}.{part}[{index}].resources")
    return found


def broken_rules(asked: Size, rows: Iterable[Row]) -> tuple[str, ...]:
    """The rules of the grid that `asked` breaks, as sentences made from the rows; none when it is on the grid."""
    given = tuple(rows)
    if not given:
        return ("there are no pod specifications here",)
    rows = tuple(row for row in given if (row.gpu, row.gpus) == (asked.gpu, asked.gpus)) or given
    if any(_admits(row, asked) for row in rows):
        return ()
    if any(row.gpu for row in rows):
        return (f"a pod here must be exactly one of: {'; '.join(_sizes(rows))}",)
    found = []
    if not any(_admits_cpu(row, asked.cpu_millis) for row in rows):
        found.append(f"CPU of a pod must be {_cpu_words(rows)}")
    if not any(_admits_memory(row, asked.memory_bytes) for row in rows):
        low, high = min(row.min_memory_gib for row in rows), max(row.max_memory_gib for row in rows)
        found.append(f"memory of a pod must be a whole number of GiB, {low}-{high}")
    ratios = [row for row in rows if row.min_ratio is not None or row.max_ratio is not None]
    if ratios and not any(_admits_ratio(row, asked.cpu_millis, asked.memory_bytes) for row in rows):
        found.append(f"a pod must have {ratios[0].min_ratio} to {ratios[0].max_ratio} GiB of memory per core")
    return tuple(found) or (f"no specification is {asked}",)


def nearest(asked: Size, rows: Iterable[Row]) -> tuple[Specification, ...]:
    """The smallest specification that holds `asked`, then the largest that `asked` holds; those that there are."""
    rows = tuple(rows)
    found = (_smallest(rows, asked), _largest_within(rows, asked))
    listed = tuple(specification for specification in found if specification is not None)
    return listed or tuple(sorted({_first(row) for row in rows})[:3])


# --- helpers ------------------------------------------------------------------------------------------------------


def _chosen(text: str, asked: Size, rows: tuple[Row, ...], *, at: str) -> Fit:
    where = f"{at}metadata.annotations[{ANNOTATION}]"
    specification = parse(text)
    if specification is None:
        rule = "must be <cores>_<GiB>, such as 2.00_4.0"
        raise OffGrid([Problem(where, rule, f'"{text}"')])
    specification = specification._replace(gpu=asked.gpu, gpus=asked.gpus)
    size = specification.size()
    if not on_grid(specification, rows):
        broken = broken_rules(size, rows)
        raise OffGrid([Problem(where, "; ".join(broken), f'"{text}"')], nearest(size, rows))
    if not _holds(specification, asked):
        rule = f"the containers ask for {asked} together and do not fit into {specification}"
        raise OffGrid([Problem(where, rule, f'"{text}"')], nearest(asked, rows)[:1])
    same = (size.cpu_millis, size.memory_bytes) == (asked.cpu_millis, asked.memory_bytes)
    return Fit(specification, asked, () if same else (_CHOSEN,), chosen=True)


def _container_size(container: JSON) -> Size:
    resources = container.get("resources") or {}
    asked = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
    gpu = next((name for name in GPUS if name in asked), "")
    return Size(
        quantity.millicores(asked.get("cpu", 0)),
        quantity.whole(asked.get("memory", 0)),
        gpu,
        quantity.whole(asked.get(gpu, 0)) if gpu else 0,
    )


def _container_problems(container: JSON, rule: ContainerRule, *, at: str) -> list[Problem]:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    found = []
    for name in ("cpu", "memory"):
        if name in limits and name in requests and quantity.parse(limits[name]) != quantity.parse(requests[name]):
            words = f"requests and limits must be equal; give {name} once, and it fills the other"
            found.append(Problem(f"{at}.requests.{name}", words, f'"{requests[name]}"'))
    part = "limits" if limits else "requests"
    asked = {**requests, **limits}
    step = Decimal(rule.step_cpu_millis) / 1000
    if "cpu" in asked and (quantity.parse(asked["cpu"]) % step or not quantity.parse(asked["cpu"])):
        words = f"CPU of a container must be a multiple of {step} cores, at least {step}"
        found.append(Problem(f"{at}.{part}.cpu", words, f'"{asked["cpu"]}"'))
    if "memory" in asked and quantity.whole(asked["memory"]) < rule.min_memory_bytes:
        words = f"memory of a container must be at least {_gib(rule.min_memory_bytes)}"
        found.append(Problem(f"{at}.{part}.memory", words, f'"{asked["memory"]}"'))
    return found


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


def _holds(specification: Specification, asked: Size) -> bool:
    return asked.cpu_millis <= specification.cpu_millis and asked.memory_bytes <= specification.memory_bytes


def _smallest(rows: Iterable[Row], asked: Size) -> Specification | None:
    """The smallest specification that holds `asked`, by CPU, then memory."""
    found = [_smallest_of(row, asked) for row in rows if (row.gpu, row.gpus) == (asked.gpu, asked.gpus)]
    return min((specification for specification in found if specification is not None), default=None)


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
    found = [_largest_of(row, asked) for row in rows if (row.gpu, row.gpus) == (asked.gpu, asked.gpus)]
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


def _cpu_words(rows: tuple[Row, ...]) -> str:
    """`0.25-32 cores in steps of 0.25, or exactly 48 or 64`."""
    spans = [row for row in rows if row.min_cpu_millis != row.max_cpu_millis]
    single = [_number(row.min_cpu_millis) for row in rows if row.min_cpu_millis == row.max_cpu_millis]
    words = [
        f"{_number(row.min_cpu_millis)}-{_number(row.max_cpu_millis)} cores in steps of {_number(row.step_cpu_millis)}"
        for row in spans
    ]
    if single:
        words.append(f"exactly {' or '.join(single)}" + ("" if spans else " cores"))
    return ", or ".join(words)


def _sizes(rows: tuple[Row, ...]) -> list[str]:
    return [str(_first(row)) for row in rows]


def _number(millis: int) -> str:
    """`0.25`, `32`."""
    return f"{(Decimal(millis) / 1000).normalize():f}"


def _cores(millis: int) -> str:
    return f"{_number(millis)} {'core' if millis == 1000 else 'cores'}"


def _gib(memory: int) -> str:
    """`4 GiB`, `0.2 GiB`, `100 MiB`: at most three decimals, never rounded to nothing."""
    if memory and memory * 10 < GIB:
        return f"{memory // MIB} MiB" if memory % MIB == 0 else f"{memory} bytes"
    return f"{(Decimal(memory) / GIB).quantize(Decimal('0.001')).normalize():f} GiB"
