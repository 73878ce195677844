"""A cluster, a user and a context put into a kubeconfig, and nothing else of it touched: comments, order, the entries
of others, clients' own extensions.

There is no YAML in the standard library, and reading and writing the file as a whole would lose comments anyway. So
the text is spliced: the lists `clusters`, `users` and `contexts` in the block form that kubectl and people write, or
the whole as JSON. A file in any other form is refused with a sentence, and left as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from iam.authenticator.failures import FileTrouble

_LOCK_SECONDS = 5.0
_TOP = re.compile(r"""(["']?)([A-Za-z][\w-]*)\1:(?:\s+(.*))?$""")
_DASH = re.compile(r"( *)-(?:$|( +)(.*))")


class Entries(NamedTuple):
    """What is put in. `cluster`, `user` are what stands under these words; names are theirs and the context's."""

    cluster_name: str
    cluster: dict[str, Any]
    user_name: str
    user: dict[str, Any]
    context_name: str


class _Section(NamedTuple):
    """A top-level key: its own line, the value on it, and where what stands under it ends."""

    line: int
    value: str
    end: int


def default_path() -> str:
    """As kubectl: the first file of KUBECONFIG that is there, else its last; without KUBECONFIG ~/.kube/config."""
    named = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    there = [path for path in named if os.path.exists(path)]
    home = os.path.join(os.path.expanduser("~"), ".kube", "config")
    return (there or named[-1:] or [home])[0]


def update(path: str, entries: Entries, *, make_current: bool) -> None:
    """Into the file at `path`, which is made if it is not there. It is its owner's alone (0600) afterwards: it may hold
    a secret. Raises FileTrouble."""
    path = os.path.realpath(os.path.expanduser(path))
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with _alone(path):
            _write(path, merged(_read(path), entries, make_current=make_current))
    except (OSError, UnicodeDecodeError) as error:
        raise FileTrouble(f"{path}: {error}") from None
    except FileTrouble as error:
        raise FileTrouble(f"{path}: {error}") from None


def merged(text: str, entries: Entries, *, make_current: bool) -> str:
    """The text of a kubeconfig with `entries` in it, theirs replaced by name. Raises FileTrouble."""
    if text.lstrip().startswith("{"):
        return _merged_json(text, entries, make_current=make_current)
    lines = text.splitlines()
    _check(lines)
    for key, value in (("apiVersion", "v1"), ("kind", "Config")):
        if _section(lines, key) is None:
            lines = _with_scalar(lines, key, value)
    for plural, singular, name in _lists(entries):
        content = _content(entries, singular, _namespace(lines, entries))
        lines = _with_item(lines, plural, name, [f"- {singular}:", *_block(content, 4), f"  name: {_quoted(name)}"])
    if make_current or _section(lines, "current-context") is None:
        lines = _with_scalar(lines, "current-context", entries.context_name)
    return "\n".join(lines) + "\n"


def _lists(entries: Entries) -> list[tuple[str, str, str]]:
    return [
        ("clusters", "cluster", entries.cluster_name),
        ("users", "user", entries.user_name),
        ("contexts", "context", entries.context_name),
    ]


def _content(entries: Entries, singular: str, namespace: str) -> dict[str, Any]:
    if singular == "cluster":
        return entries.cluster
    if singular == "user":
        return entries.user
    context = {"cluster": entries.cluster_name, "user": entries.user_name}
    return {**context, "namespace": namespace} if namespace else context


def _merged_json(text: str, entries: Entries, *, make_current: bool) -> str:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _unmergeable(f"it begins like JSON and is none ({error})") from None
    config = {"apiVersion": "v1", "kind": "Config", **config}
    for plural, singular, name in _lists(entries):
        items = config.get(plural) or []
        old: dict[str, Any] = next((item for item in items if item.get("name") == name), {})
        namespace = (old.get("context") or {}).get("namespace", "") if singular == "context" else ""
        item = {"name": name, singular: _content(entries, singular, namespace)}
        config[plural] = [*(one for one in items if one.get("name") != name), item]
    if make_current or not config.get("current-context"):
        config["current-context"] = entries.context_name
    return json.dumps(config, indent=2, ensure_ascii=False) + "\n"


def _check(lines: list[str]) -> None:
    """One document whose top level is `key: value` lines, each key once."""
    seen = set()
    for number, line in enumerate(lines):
        if not line.strip() or line[0] in " #-":
            if line.startswith(("---", "-\t")) and (line.rstrip() != "---" or any(map(_says, lines[:number]))):
                raise _unmergeable("it has several documents")
            continue
        match = _TOP.match(line)
        if match is None:
            raise _unmergeable(f"line {number + 1} is not understood")
        if match[2] in seen:
            raise _unmergeable(f"{match[2]} stands in it twice")
        seen.add(match[2])


def _says(line: str) -> bool:
    """Neither blank nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _section(lines: list[str], key: str) -> _Section | None:
    for number, line in enumerate(lines):
        match = _TOP.match(line)
        if match is not None and match[2] == key:
            rest = range(number + 1, len(lines))
            end = next((at for at in rest if lines[at][:1] not in ("", " ", "#", "-", "\t")), len(lines))
            while end > number + 1 and not _says(lines[end - 1]):
                end -= 1  # what stands before the next key belongs to it
            return _Section(number, _without_comment(match[3] or ""), end)
    return None


def _with_scalar(lines: list[str], key: str, value: str) -> list[str]:
    section = _section(lines, key)
    line = f"{key}: {_quoted(value)}"
    if section is None:
        return [*lines, line]
    return [*lines[: section.line], line, *lines[section.end :]]


def _with_item(lines: list[str], plural: str, name: str, item: list[str]) -> list[str]:
    section = _section(lines, plural)
    if section is None:
        return [*lines, f"{plural}:", *item]
    if section.value in ("[]", "null", "~") and section.end == section.line + 1:
        return [*lines[: section.line], f"{plural}:", *item, *lines[section.end :]]
    if section.value:
        raise _unmergeable(f"{plural} is not written as a list with a dash a line")
    starts, indent = _starts(lines, section, plural)
    spaced = [" " * indent + line for line in item]
    for start, end in zip(starts, [*starts[1:], section.end]):
        if _name(lines[start:end], plural) == name:
            while not _says(lines[end - 1]):
                end -= 1
            return [*lines[:start], *spaced, *lines[end:]]
    return [*lines[: section.end], *spaced, *lines[section.end :]]


def _starts(lines: list[str], section: _Section, plural: str) -> tuple[list[int], int]:
    """The lines at which the items of a list begin, and how far in their dashes are."""
    inside = [number for number in range(section.line + 1, section.end) if _says(lines[number])]
    if not inside:
        return [], 0
    first = _DASH.match(lines[inside[0]])
    if first is None:
        raise _unmergeable(f"{plural} is not written as a list with a dash a line")
    indent = len(first[1])
    dashes = ((number, _DASH.match(lines[number])) for number in inside)
    return [number for number, dash in dashes if dash is not None and len(dash[1]) == indent], indent


def _name(item: list[str], plural: str) -> str:
    return _value(item, "name", plural)


def _value(item: list[str], key: str, plural: str) -> str:
    """What stands at `key` of a list's item. Raises FileTrouble when that cannot be told."""
    dash = _DASH.match(item[0])
    if dash is None or not dash[2] or dash[3].lstrip()[:1] in ("{", "&", "*", "!", "?", "#"):
        raise _unmergeable(f"an item of {plural} is written in a form that this command does not read")
    column = len(dash[1]) + 1 + len(dash[2])
    for line in [" " * column + dash[3], *item[1:]]:
        if line[:column].strip() == "" and re.match(rf"""["']?{key}["']?:(\s|$)""", line[column:]):
            return _scalar(line[column:].partition(":")[2], plural)
    raise _unmergeable(f"an item of {plural} has no {key}")


def _scalar(text: str, plural: str) -> str:
    text = _without_comment(text)
    try:
        if text.startswith('"'):
            return str(json.loads(text))
        if text.startswith("'") and text.endswith("'") and len(text) > 1:
            return text[1:-1].replace("''", "'")
    except ValueError:
        pass
    if not text or text[0] in "\"'|>&*!%@`{[":
        raise _unmergeable(f"a name in {plural} is written in a form that this command does not read")
    return text


def _without_comment(text: str) -> str:
    text = text.strip()
    if text.startswith("#"):
        return ""
    return text if text[:1] in ("'", '"') else re.split(r"\s#", text, maxsplit=1)[0].strip()


def _namespace(lines: list[str], entries: Entries) -> str:
    """The namespace that somebody chose for the context; it stays."""
    section = _section(lines, "contexts")
    if section is None or section.value:
        return ""
    starts, _ = _starts(lines, section, "contexts")
    for start, end in zip(starts, [*starts[1:], section.end]):
        if _name(lines[start:end], "contexts") == entries.context_name:
            found = re.search(r"""^\s+["']?namespace["']?:(.*)$""", "\n".join(lines[start:end]), re.MULTILINE)
            return _scalar(found[1], "contexts") if found and _without_comment(found[1]) else ""
    return ""


def _block(value: dict[str, Any], indent: int) -> list[str]:
    """A mapping as YAML's block form; what is neither mapping nor list is written as JSON, which is YAML too."""
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            lines += [f"{' ' * indent}{key}:", *_block(inner, indent + 2)]
        elif isinstance(inner, list) and inner:
            lines += [f"{' ' * indent}{key}:", *_items(inner, indent)]
        else:
            lines.append(f"{' ' * indent}{key}: {_quoted(inner)}")
    return lines


def _items(values: list[Any], indent: int) -> list[str]:
    lines = []
    for value in values:
        first, *rest = _block(value, indent + 2) if isinstance(value, dict) else [_quoted(value)]
        lines += [f"{' ' * indent}- {first.lstrip()}", *rest]
    return lines


def _quoted(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./=+-]*", value, re.ASCII)
    if plain and value.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n"):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _unmergeable(why: str) -> FileTrouble:
    return FileTrouble(
        f"cannot be merged into: {why}. It was left as it is. Write to a file of its own with --kubeconfig=FILE, and "
        "name both in KUBECONFIG."
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    partial = f"{path}.{os.getpid()}.partial"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """kubectl's own lock, so that it does not write at the same time."""
    lock = f"{path}.lock"
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise FileTrouble(f"is locked by another kubectl. If none runs, remove {lock}.") from None
            time.sleep(0.05)
    try:
        yield
    finally:
        os.unlink(lock)
