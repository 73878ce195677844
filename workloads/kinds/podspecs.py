"""The pod specification: the size a pod is limited to and billed for, and how it follows from what its containers ask.

All functions are pure and take the grid. `fit` is the way in: it gives the `Specification` a pod (or template) gets, or
raises `OffGrid` with what is wrong and the nearest valid sizes. `explain` says of a pod that exists what was requested,
what is billed, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from workloads.kinds.grids import (
    ACCELERATED,
    DEFAULT,
    GENERAL,
    GPUS,
    T4,
    V100_16,
    V100_32,
    ContainerRule,
    Grid,
    Row,
    Size,
    Specification,
    broken_rules,
    cpu_words,
    exactly,
    gib,
    holds,
    is_gpu,
    nearest,
    number,
    on_grid,
    parse,
    parse_cards,
    smallest,
)
from workloads.meta import quantity
from workloads.meta.errors import Cause

__all__ = (
    "ACCELERATED",
    "DEFAULT",
    "GENERAL",
    "GPUS",
    "T4",
    "V100_16",
    "V100_32",
    "ContainerRule",
    "Grid",
    "Row",
    "Size",
    "Specification",
    "broken_rules",
    "cpu_words",
    "is_gpu",
    "nearest",
    "on_grid",
    "parse",
)

JSON = dict[str, Any]

ANNOTATION = "resource.cci.io/pod-size-specs"
GPU_ANNOTATION = "resource.cci.io/pod-gpu-specs"
"""`<model>_<cards>`, beside `ANNOTATION` on pods that have cards."""
REASON_ANNOTATION = "resource.cci.io/pod-size-reason"
"""`<requested> -> <billed>: <rule>`, on pods that are billed another size than they asked for."""
DEVICES_ANNOTATION = "resource.cci.io/gpu-devices"
"""`0,3`: the host's cards that a placed pod has, by the numbers of `nvidia-smi`."""
SETTLED = (ANNOTATION, GPU_ANNOTATION, REASON_ANNOTATION)
"""What admission writes on a pod once."""

AS_REQUESTED = "billed as requested"
CHOSEN = "the pod specification that was chosen is billed, whatever its containers request"
WITHOUT_RESOURCES = "containers without resources get the smallest specification"


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
class Explanation:
    """`requested` -> `billed`, because of `rule`: what the console shows and the annotation says."""

    requested: str
    billed: str
    rule: str

    @property
    def changed(self) -> bool:
        return self.rule != AS_REQUESTED

    def __str__(self) -> str:
        return f"{self.requested} -> {self.billed}: {self.rule}"

    @classmethod
    def parse(cls, text: str) -> Explanation | None:
        requested, arrow, rest = text.partition(" -> ")
        billed, colon, rule = rest.partition(": ")
        return cls(requested, billed, rule) if arrow and colon else None


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

    def explanation(self) -> Explanation:
        return Explanation(asked_words(self.requested), str(self.specification), "; ".join(self.rules) or AS_REQUESTED)


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
    if annotation(pod) is not None or annotated(pod, GPU_ANNOTATION) is not None:
        return _chosen(pod, asked, rows, at=prefix)
    if (exact := exactly(asked, rows)) is not None:
        return Fit(exact, asked)
    least = smallest(rows, Size(0, 0, asked.gpu, asked.gpus))
    if least and least.gpus == asked.gpus and not asked.cpu_millis and not asked.memory_bytes:
        return Fit(least, asked, (WITHOUT_RESOURCES,))
    broken = broken_rules(asked, rows)
    holding = smallest(rows, asked)
    if holding and (rounding or not broken):
        return Fit(holding, asked, broken)
    raise OffGrid([Problem(_where(pod["spec"], prefix), "; ".join(broken), asked_words(asked))], nearest(asked, rows))


def explain(pod: JSON, *, grid: Grid = DEFAULT, flavor: str = "") -> Explanation:
    """Of a pod that has its annotation: what its containers request, what is billed, and the rule that fired. What was
    said when it was made stands, whatever the grid became."""
    asked, billed = effective_size(pod["spec"]), chosen(pod)
    if billed is None:
        return Explanation(asked_words(asked), "", "not sized yet")
    said = Explanation.parse(annotated(pod, REASON_ANNOTATION) or "")
    if said is not None and said.billed == str(billed):
        return said
    if billed.size() == asked:
        return Explanation(str(asked), str(billed), AS_REQUESTED)
    rows = grid.of(flavor or (ACCELERATED if billed.gpus else GENERAL))
    nothing = not asked.cpu_millis and not asked.memory_bytes
    rule = WITHOUT_RESOURCES if nothing else "; ".join(broken_rules(asked, rows))
    return Explanation(asked_words(asked), str(billed), rule if rule and billed == smallest(rows, asked) else CHOSEN)


def annotated(pod: JSON, name: str) -> str | None:
    """An annotation's text, None when there is none."""
    value = ((pod.get("metadata") or {}).get("annotations") or {}).get(name)
    return None if value is None else str(value)


def annotation(pod: JSON) -> str | None:
    """The stored specification's text, None when there is none."""
    return annotated(pod, ANNOTATION)


def chosen(pod: JSON) -> Specification | None:
    """The specification stored on a pod (or template), None when there is none or it cannot be read."""
    found = parse(annotation(pod) or "")
    cards = parse_cards(annotated(pod, GPU_ANNOTATION) or "")
    return found._replace(gpu=cards[0], gpus=cards[1]) if found and cards else found


def asked_words(asked: Size) -> str:
    """`1 core, 1 GiB`, `no resources`, `1 x nvidia.com/gpu-tesla-t4`."""
    if asked.cpu_millis or asked.memory_bytes:
        return str(asked)
    return f"{asked.gpus} x {asked.gpu}" if asked.gpus else "no resources"


def effective_size(spec: JSON) -> Size:
    """Per resource: the greater of the sum over the containers and the largest init container. A sidecar (an init
    container that goes on running) counts with the containers, and beside the init containers after it. What a
    container does not name counts as nothing."""
    mains = [_container_size(container) for container in spec.get("containers") or []]
    inits: list[Size] = []
    sidecars: list[Size] = []
    for container in spec.get("initContainers") or []:
        size = _container_size(container)
        inits.append(_sum([size, *sidecars]))
        if container.get("restartPolicy") == "Always":
            sidecars.append(size)
    if len(mains) == 1 and not inits:
        return mains[0]
    listed = [_sum([*mains, *sidecars]), *inits]
    return Size(
        max(size.cpu_millis for size in listed),
        max(size.memory_bytes for size in listed),
        next((size.gpu for size in listed if size.gpu), ""),
        max(size.gpus for size in listed),
    )


def container_problems(spec: JSON, *, grid: Grid = DEFAULT, rounding: bool = False, at: str = "spec") -> list[Problem]:
    """What is wrong with the containers one by one. With `rounding` their sizes are free and a request may be below
    its limit; the number of containers and the kinds of card are bounded under either policy."""
    rule, mains = grid.containers, spec.get("containers") or []
    found = _mixed_cards(spec, at=at)
    if len(mains) > rule.max_containers:
        words = f"a pod may have at most {rule.max_containers} containers; put the others into a pod of their own"
        found.append(Problem(f"{at}.containers", words, f"{len(mains)} containers"))
    if rounding:
        return found
    for part in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(part) or []):
            found += _container_problems(container, rule, at=f"{at}.{part}[{index}].resources")
    return found


# --- helpers ------------------------------------------------------------------------------------------------------


def _chosen(pod: JSON, asked: Size, rows: tuple[Row, ...], *, at: str) -> Fit:
    where = f"{at}metadata.annotations[{ANNOTATION}]"
    text = annotation(pod) or ""
    specification = parse(text)
    if specification is None:
        rule = "must be <cores>_<GiB>, such as 2.00_4.0"
        raise OffGrid([Problem(where, rule, f'"{text}"')])
    gpu, gpus = _chosen_cards(pod, asked, at=at)
    specification = specification._replace(gpu=gpu, gpus=gpus)
    size = specification.size()
    if not on_grid(specification, rows):
        broken = broken_rules(size, rows)
        raise OffGrid([Problem(where, "; ".join(broken), f'"{text}"')], nearest(size, rows))
    if not holds(specification, asked):
        rule = f"the containers ask for {asked_words(asked)} together and do not fit into {specification}"
        raise OffGrid([Problem(where, rule, f'"{text}"')], nearest(asked, rows)[:1])
    return Fit(specification, asked, () if size == asked else (CHOSEN,), chosen=True)


def _chosen_cards(pod: JSON, asked: Size, *, at: str) -> tuple[str, int]:
    """Those of the annotation, else those that the containers ask for. Raises OffGrid."""
    text = annotated(pod, GPU_ANNOTATION)
    if text is None:
        return asked.gpu, asked.gpus
    cards, where = parse_cards(text), f"{at}metadata.annotations[{GPU_ANNOTATION}]"
    if cards is None:
        raise OffGrid([Problem(where, f"must be <model>_<cards>, such as {T4}_1", f'"{text}"')])
    if not asked.gpus:
        rule = f"no container asks for the card: give one limits of {cards[0]}"
        raise OffGrid([Problem(where, rule, f'"{text}"')])
    return cards


def _where(spec: JSON, prefix: str) -> str:
    """The field that a refusal of the whole pod's size names."""
    return f"{prefix}spec.containers" + ("[0].resources" if len(spec["containers"]) == 1 else "")


def _sum(sizes: Iterable[Size]) -> Size:
    listed = list(sizes)
    return Size(
        sum(size.cpu_millis for size in listed),
        sum(size.memory_bytes for size in listed),
        next((size.gpu for size in listed if size.gpu), ""),
        sum(size.gpus for size in listed),
    )


def _container_size(container: JSON) -> Size:
    asked = _asked(container)
    gpu, gpus = next(iter(_cards(asked).items()), ("", 0))
    return Size(quantity.millicores(asked.get("cpu", 0)), quantity.whole(asked.get("memory", 0)), gpu, gpus)


def _asked(container: JSON) -> JSON:
    resources = container.get("resources") or {}
    return {**(resources.get("requests") or {}), **(resources.get("limits") or {})}


def _cards(asked: JSON) -> dict[str, int]:
    """How many of each model; 0 of one is none."""
    return {name: count for name in asked if is_gpu(name) and (count := quantity.whole(asked[name]))}


def _mixed_cards(spec: JSON, *, at: str) -> list[Problem]:
    """A pod has cards of one model."""
    known = ""
    for part in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(part) or []):
            for model in _cards(_asked(container)):
                known = known or model
                if model != known:
                    words = f"the cards of a pod are of one model, and another container asks for {known}"
                    return [Problem(f"{at}.{part}[{index}].resources.limits[{model}]", words, f'"{model}"')]
    return []


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
    if "cpu" in asked and not _whole_steps(asked["cpu"], rule):
        step = number(rule.step_cpu_millis)
        words = f"CPU of a container must be a multiple of {step} cores, at least {step}"
        found.append(Problem(f"{at}.{part}.cpu", words, f'"{asked["cpu"]}"'))
    if "memory" in asked and quantity.whole(asked["memory"]) < rule.min_memory_bytes:
        words = f"memory of a container must be at least {gib(rule.min_memory_bytes)}"
        found.append(Problem(f"{at}.{part}.memory", words, f'"{asked["memory"]}"'))
    return found


def _whole_steps(cpu: Any, rule: ContainerRule) -> bool:
    millis = quantity.parse(cpu) * 1000
    return bool(millis) and not millis % rule.step_cpu_millis
