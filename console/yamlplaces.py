"""Where in a YAML text a field stands: `spec.template.spec.containers[0].image` -> its line. Pure.

Only for texts that `workloads.meta.manifests` has read: it bounds what reading costs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOKEN = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_BETWEEN = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class Places:
    """One document of a text. `first` and `last` are lines from 1."""

    node: Any
    first: int
    last: int

    def line(self, path: str, *, second: bool = False) -> int:
        """Of the field, or of what there is of the way to it. `second` is where a key stands again."""
        node, line = self.node, self.first
        tokens = [index or name for index, name in _TOKEN.findall(path)]
        while tokens:
            found = _step(node, tokens, second=second)
            if found is None:
                break
            key, node, used = found
            line, tokens = key.start_mark.line + 1, tokens[used:]
        return line


def documents(text: str) -> list[Places]:
    """Those with something in them, in order."""
    nodes = [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None and not _is_empty(node)]
    return [Places(node, node.start_mark.line + 1, _last_line(node)) for node in nodes]


def parts(text: str) -> list[tuple[int, str]]:
    """A text that cannot be read as a whole, cut at its `---`: each part with the line it begins on, from 1."""
    starts = [0, *(match.end() for match in _BETWEEN.finditer(text))]
    ends = [*(match.start() for match in _BETWEEN.finditer(text)), len(text)]
    return [
        (text.count("\n", 0, start) + 1, text[start:end])
        for start, end in zip(starts, ends, strict=True)
        if text[start:end].strip()
    ]


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _last_line(node: Any) -> int:
    """An end mark stands at the beginning of what follows."""
    mark = node.end_mark
    return max(int(node.start_mark.line) + 1, int(mark.line) + (1 if mark.column else 0))


def _step(node: Any, tokens: list[str], *, second: bool) -> tuple[Any, Any, int] | None:
    """The key or item that the first tokens lead to, its value, and how many tokens it took: keys may have dots."""
    if isinstance(node, yaml.SequenceNode):
        index = int(tokens[0]) if tokens[0].isdigit() else -1
        return (node.value[index], node.value[index], 1) if 0 <= index < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for used in range(len(tokens), 0, -1):
        name = ".".join(tokens[:used])
        pairs = [pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == name]
        if pairs:
            key, value = pairs[-1 if second and used == len(tokens) else 0]
            return key, value, used
    return None
