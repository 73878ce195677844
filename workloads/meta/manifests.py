"""Text to manifests: JSON and YAML from strangers, in bounded time and memory, with the place of every mistake.

Answers what a dict cannot hold: which keys stood twice, and on which line a document began. YAML is read as Kubernetes
reads it: dates stay strings, keys become strings, aliases are followed but may not multiply.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

LONGEST = 3 * 1024 * 1024
"""Bytes of one request or file."""
DEEPEST = 100
"""Levels of nesting; Kubernetes' own kinds need fewer than 30."""
MOST_DOCUMENTS = 500
_MOST_NODES = 200_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ManifestError(ValueError):
    """Not a manifest. The message names line and column where the text has them."""


@dataclass(frozen=True)
class Document:
    """One parsed value. `line` is where it begins in its text, from 1."""

    value: Any
    duplicates: tuple[str, ...] = ()
    """Paths of keys that stood twice in one object: `spec.replicas`."""
    line: int = 1


def parse_json(text: bytes, *, find_duplicates: bool = False) -> Document:
    """Raises ManifestError. Looking for duplicates takes a second, slower pass, but not over what is as we write it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"invalid JSON: {error}") from None
    if text.count(b"{") + text.count(b"[") > DEEPEST:
        _bound_depth(value)
    return Document(value, _json_duplicates(text, value) if find_duplicates else ())


def parse_yaml(text: bytes | str) -> Document:
    """The only document in `text`. Raises ManifestError when there are several."""
    documents = list(parse_yaml_documents(text))
    if len(documents) > 1:
        raise ManifestError(f"expected one YAML document, found another one at line {documents[1].line}")
    return documents[0] if documents else Document(None)


def parse_yaml_documents(text: bytes | str) -> Iterator[Document]:
    """The documents of `text`, empty ones left out. Raises ManifestError, also in the middle of the iteration."""
    decoded = _decoded(text)
    _survey(decoded)
    loader = _Loader(decoded)
    budget = _Budget()
    try:
        while loader.check_node():
            node = loader.get_node()
            if _is_empty(node):
                continue
            yield _document(node, budget)
    except yaml.YAMLError as error:
        raise ManifestError(_yaml_sentence(error)) from None
    finally:
        loader.dispose()


def _survey(text: str) -> None:
    """Refuses what would cost too much before anything is built: the parser's events come one by one, while composing
    recurses in C without a bound."""
    depth = nodes = documents = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            nodes += isinstance(event, yaml.NodeEvent)
            documents += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ManifestError(f"nested deeper than {DEEPEST} levels at {_place(event)}")
            if nodes > _MOST_NODES:
                raise ManifestError(f"more than {_MOST_NODES} values in one text")
            if documents > MOST_DOCUMENTS:
                raise ManifestError(f"more than {MOST_DOCUMENTS} documents in one text: split it")
    except yaml.YAMLError as error:
        raise ManifestError(_yaml_sentence(error)) from None


@dataclass
class _Budget:
    """How many values one text may still give; aliases count each time they are followed."""

    nodes: int = _MOST_NODES

    def count_node(self) -> None:
        self.nodes -= 1
        if self.nodes < 0:
            raise ManifestError(f"more than {_MOST_NODES} values after its aliases are followed")


@dataclass
class _Builder:
    """Builds one document's value, counting what is built and collecting keys that stand twice."""

    budget: _Budget
    duplicates: list[str] = field(default_factory=list)

    def build(self, node: Any, path: str, depth: int) -> Any:
        self.budget.count_node()
        if depth > DEEPEST:
            raise ManifestError(f"nested deeper than {DEEPEST} levels at {_place(node)}")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                for name, value in self._merged(value_node, path, depth).items():
                    result.setdefault(name, value)
                continue
            name = _key(key_node)
            inner = f"{path}.{name}" if path else name
            if name in result:
                self.duplicates.append(inner)
            result[name] = self.build(value_node, inner, depth + 1)
        return result

    def _merged(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        value = self.build(node, path, depth + 1)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise ManifestError(f"<< takes a mapping or a list of mappings at {_place(node)}")
        return {name: item for source in reversed(sources) for name, item in source.items()}


def _document(node: Any, budget: _Budget) -> Document:
    builder = _Builder(budget)
    value = builder.build(node, "", 0)
    return Document(value, tuple(builder.duplicates), node.start_mark.line + 1)


def _decoded(text: bytes | str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"the text is not UTF-8: byte {error.start} cannot be decoded") from None


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _key(node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ManifestError(f"a key must be a string at {_place(node)}")
    value = _scalar(node)
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _scalar(node: Any) -> str | int | float | bool | None:
    """As Kubernetes reads it: YAML 1.1 booleans and numbers; everything else is a string, dates too."""
    text, kind = str(node.value), node.tag.removeprefix("tag:yaml.org,2002:")
    constructor = yaml.constructor.SafeConstructor()
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return bool(constructor.construct_yaml_bool(node))
        if kind == "int":
            return text if ":" in text else _representable(int(constructor.construct_yaml_int(node)))
        if kind == "float" and ":" not in text:
            return _finite(float(constructor.construct_yaml_float(node)), node)
    except ValueError:
        raise ManifestError(f"{text[:40]!r} is not a {kind} at {_place(node)}") from None
    if kind in ("str", "timestamp", "float", "value", "!"):
        return text
    raise ManifestError(f"the tag {node.tag!r} is not supported at {_place(node)}")


def _representable(number: int) -> int | float:
    """JSON's integers have 64 bits here; larger ones are floats, as the JSON parser has it."""
    return number if -(1 << 63) <= number < 1 << 64 else float(number)


def _finite(number: float, node: Any) -> float:
    if math.isfinite(number):
        return number
    raise ManifestError(f"{node.value} is not a JSON number at {_place(node)}")


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"


def _yaml_sentence(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None:
        return f"invalid YAML: {problem or error}"
    return f"invalid YAML: {problem} at line {mark.line + 1}, column {mark.column + 1}"


def _bound_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return
        children = (item for one in level for item in (one.values() if isinstance(one, dict) else one))
        level = [child for child in children if isinstance(child, dict | list)]
    if level:
        raise ManifestError(f"nested deeper than {DEEPEST} levels")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, keys that stand twice included."""


def _json_duplicates(text: bytes, value: Any) -> tuple[str, ...]:
    """`value` is what was read. Written anew it is the same text where no key got lost, but for spaces and escapes. So
    keys are counted where it is not, and only where one got lost it is found out which."""
    if orjson.dumps(value) == text.rstrip() or not _has_lost_keys(text):
        return ()
    return tuple(_twice(json.loads(text, object_pairs_hook=_Pairs), ""))


def _has_lost_keys(text: bytes) -> bool:
    lost = False

    def count(pairs: list[tuple[str, Any]]) -> None:
        nonlocal lost
        lost = lost or len(dict(pairs)) < len(pairs)

    json.loads(text, object_pairs_hook=count)
    return lost


def _twice(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, item in value:
            inner = f"{path}.{name}" if path else name
            if name in seen:
                yield inner
            seen.add(name)
            yield from _twice(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _twice(item, f"{path}[{index}]")
