"""Objects as YAML that a person reads: without bookkeeping, long texts as blocks, coloured by lines."""

from __future__ import annotations

import re
from copy import deepcopy

import yaml
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from workloads.client import JSON

_LINE = re.compile(r"^(\s*(?:- )*)([^\s:#'\"][^:]*|'[^']*'|\"[^\"]*\")(:)(\s.*|$)")


_FIRST = ("name", "namespace", "labels", "annotations", "ownerReferences")


class _Dumper(yaml.SafeDumper):
    """Lists are indented as manifests are written by hand, and nothing is folded or aliased."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def text(obj: JSON) -> str:
    shown = deepcopy(obj)
    if "metadata" in shown:
        shown["metadata"] = _in_order(shown["metadata"])
    return yaml.dump(shown, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=True)


def _in_order(metadata: JSON) -> JSON:
    """Names first, bookkeeping last, and nothing of who manages which field."""
    first = {name: metadata[name] for name in _FIRST if name in metadata}
    rest = {name: value for name, value in metadata.items() if name not in (*_FIRST, "managedFields")}
    return {**first, **rest}


def coloured(yaml_text: str) -> SafeString:
    """The text with its keys marked up; everything in it is escaped."""
    return mark_safe("\n".join(_coloured(line) for line in yaml_text.splitlines()))  # noqa: S308


def _coloured(line: str) -> str:
    match = _LINE.match(line)
    if match is None:
        return str(escape(line))
    indent, key, colon, rest = match.groups()
    return f'{escape(indent)}<span class="code__key">{escape(key)}</span>{colon}{escape(rest)}'
