"""What leads to what in a namespace: Ingress, Service, workload, ReplicaSet or Job, pod, and what pods take from
ConfigMaps, Secrets and claims. Pure: objects with their states in, a drawing and an indented list out.

The drawing has a column for each of these six; places are whole numbers for an SVG. Of many pods of one owner the
first few are drawn and the others counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from console.states import State
from workloads.client import JSON

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 172, 46, 20, 12, 4
_COLUMNS = {
    "Ingress": 0,
    "Service": 1,
    "Deployment": 2,
    "CronJob": 2,
    "ReplicaSet": 3,
    "Job": 3,
    "Pod": 4,
    "ConfigMap": 5,
    "Secret": 5,
    "PersistentVolumeClaim": 5,
}
_SHORT = {"PersistentVolumeClaim": "Claim"}
_GLYPHS = {"dot": "●", "diamond": "◆", "triangle": "▲", "ring": "◐", "hollow": "○", "square": "■"}
_LETTERS = 20
_EVERYWHERE = "kube-root-ca.crt"
"""In every namespace and every pod: it tells nothing."""


class Ref(NamedTuple):
    kind: str
    name: str


@dataclass(frozen=True)
class Node:
    """`url` is "" for what has no page; `state` None where there is none to tell of."""

    ref: Ref
    state: State | None = None
    url: str = ""
    label: str = ""
    """Instead of the name."""

    @property
    def kind(self) -> str:
        return _SHORT.get(self.ref.kind, self.ref.kind)

    @property
    def name(self) -> str:
        return self.label or self.ref.name

    @property
    def short(self) -> str:
        """As much of the name as fits; its end tells pods apart."""
        if len(self.name) <= _LETTERS:
            return self.name
        return f"{self.name[: _LETTERS - 9]}…{self.name[-8:]}"

    @property
    def glyph(self) -> str:
        return _GLYPHS[self.state.shape] if self.state else ""

    @property
    def tone(self) -> str:
        return self.state.tone if self.state else "idle"


@dataclass
class Graph:
    nodes: dict[Ref, Node] = field(default_factory=dict)
    edges: dict[tuple[Ref, Ref], None] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        self.nodes.setdefault(node.ref, node)

    def join(self, one: Ref, other: Ref) -> None:
        if one in self.nodes and other in self.nodes:
            self.edges[one, other] = None

    def around(self, ref: Ref) -> Graph:
        """What leads to it and what it leads to."""
        kept = {ref} | self._reached(ref, {one: [] for one in self.nodes}, forward=True)
        kept |= self._reached(ref, {one: [] for one in self.nodes}, forward=False)
        found = Graph({one: node for one, node in self.nodes.items() if one in kept})
        found.edges = {edge: None for edge in self.edges if edge[0] in kept and edge[1] in kept}
        return found

    def _reached(self, start: Ref, following: dict[Ref, list[Ref]], *, forward: bool) -> set[Ref]:
        for one, other in self.edges:
            near, far = (one, other) if forward else (other, one)
            following[near].append(far)
        found: set[Ref] = set()
        waiting = [start]
        while waiting:
            for ref in following.get(waiting.pop(), ()):
                if ref not in found:
                    found.add(ref)
                    waiting.append(ref)
        return found


@dataclass(frozen=True)
class Box:
    node: Node
    x: int
    y: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def text_x(self) -> int:
        return self.x + 10

    @property
    def kind_y(self) -> int:
        return self.y + 18

    @property
    def name_y(self) -> int:
        return self.y + 36


@dataclass(frozen=True)
class Step:
    """A line of the list. `again` is said elsewhere with what it leads to."""

    depth: int
    node: Node
    again: bool = False


@dataclass(frozen=True)
class Drawing:
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    """Each an SVG path from one box to another."""
    steps: tuple[Step, ...]
    width: int
    height: int


def drawn(graph: Graph) -> Drawing:
    places = _places(graph)
    boxes = tuple(Box(graph.nodes[ref], x, y) for ref, (x, y) in places.items())
    return Drawing(
        boxes,
        tuple(_path(places[one], places[other]) for one, other in graph.edges),
        tuple(_steps(graph)),
        max((box.x + WIDTH for box in boxes), default=0) + MARGIN,
        max((box.y + HEIGHT for box in boxes), default=0) + MARGIN,
    )


def references(spec: JSON, found: Iterable[tuple[str, str, str]]) -> list[Ref]:
    """What a pod takes: ConfigMaps and Secrets as `console.uses` tells them, and its claims."""
    taken = [Ref(kind, name) for kind, name, _how in found if name and name != _EVERYWHERE]
    for volume in spec.get("volumes") or ():
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            taken.append(Ref("PersistentVolumeClaim", claim))
    return list(dict.fromkeys(taken))


def selected(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _places(graph: Graph) -> dict[Ref, tuple[int, int]]:
    """Each as near as can be to the middle of what leads to it; columns that nothing stands in take no room."""
    used = sorted({_COLUMNS[ref.kind] for ref in graph.nodes})
    before: dict[Ref, list[Ref]] = {}
    for one, other in graph.edges:
        before.setdefault(other, []).append(one)
    places: dict[Ref, tuple[int, int]] = {}
    for number, column in enumerate(used):
        x = MARGIN + number * (WIDTH + GAP_X)
        members = [ref for ref in graph.nodes if _COLUMNS[ref.kind] == column]
        wished = {ref: _middle([places[one][1] for one in before.get(ref, ()) if one in places]) for ref in members}
        lowest = MARGIN
        for ref in sorted(members, key=lambda ref: (wished[ref] is None, wished[ref] or 0)):
            y = max(lowest, wished[ref] or 0)
            places[ref] = (x, y)
            lowest = y + HEIGHT + GAP_Y
        _lift(members, wished, places)
    return places


def _lift(members: Collection[Ref], wished: Mapping[Ref, int | None], places: dict[Ref, tuple[int, int]]) -> None:
    """Children of one parent stand around it, not all below: each column moves up by half of what it hangs too low."""
    low = [places[ref][1] - wish for ref in members if (wish := wished[ref]) is not None]
    top = min((places[ref][1] for ref in members), default=MARGIN)
    lift = min(sum(low) // len(low) if low else 0, top - MARGIN)
    for ref in members:
        x, y = places[ref]
        places[ref] = (x, y - lift)


def _middle(places: Sequence[int]) -> int | None:
    return sum(places) // len(places) if places else None


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    half = (x2 - x1) // 2
    return f"M{x1} {y1}C{x1 + half} {y1} {x2 - half} {y2} {x2} {y2}"


def _steps(graph: Graph) -> Iterator[Step]:
    following: dict[Ref, list[Ref]] = {ref: [] for ref in graph.nodes}
    led_to = set()
    for one, other in graph.edges:
        following[one].append(other)
        led_to.add(other)
    told: set[Ref] = set()

    def walk(ref: Ref, depth: int) -> Iterator[Step]:
        again = ref in told and bool(following[ref])
        told.add(ref)
        yield Step(depth, graph.nodes[ref], again)
        for other in () if again else following[ref]:
            yield from walk(other, depth + 1)

    for ref in sorted(graph.nodes, key=lambda ref: _COLUMNS[ref.kind]):
        if ref not in led_to:
            yield from walk(ref, 0)
