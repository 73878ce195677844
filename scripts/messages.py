"""The console's words in other languages: catalogues of messages, made from templates, Python and TypeScript.

    .venv/bin/python scripts/messages.py extract           new messages into the catalogues, gone ones out
    .venv/bin/python scripts/messages.py missing           what has no translation yet
    .venv/bin/python scripts/messages.py compile           .mo for Django, where the .po is newer
    .venv/bin/python scripts/messages.py join OTHER.po     the translations of another copy, where ours has none
    .venv/bin/python scripts/messages.py merge BASE OURS THEIRS    git's merge driver for *.po (.gitattributes)

Needs Babel and no gettext tools. A catalogue is sorted and has neither line numbers nor dates nor broken lines, so that
two people who add messages seldom touch the same lines.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hans"
KEYWORDS: dict[str, Any] = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PYTHON_ROOMS = ("console", "billing", "iam", "workloads")
HEADER = f"""\
# {{title}}. Made by scripts/messages.py; docs/chinese.md says which word is used for what.
msgid ""
msgstr ""
"Language: {LOCALE}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
_PLACEHOLDER = re.compile(r"%\((\w+)\)\w|\{(\w*)\}")

Id = str | tuple[str, ...]
Found = Iterator[tuple[Id, str | None]]
"""A message's id (with its plural) and its context."""


@dataclass(frozen=True)
class Source:
    """A catalogue and where its messages stand."""

    title: str
    po: Path
    find: Callable[[], Found]


def templates() -> Found:
    """What `{% translate %}`, `{% blocktranslate %}` and `_("…")` say. Django turns a template into something
    that reads like Python; its indentation means nothing."""
    from django.utils.translation.template import templatize

    for path in sorted((ROOT / "frontend" / "templates").rglob("*.html")):
        code = templatize(path.read_text(), origin=str(path))
        yield from _extracted("python", "\n".join(line.lstrip() for line in code.splitlines()))


def python() -> Found:
    for room in PYTHON_ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from _extracted("python", path.read_text())


def rest() -> Found:
    """What the REST reference shows of the API's own document."""
    from console import restsight

    yield from ((text, None) for text in restsight.texts())


def typescript() -> Found:
    for path in sorted((ROOT / "frontend" / "src").rglob("*.ts")):
        yield from _extracted("javascript", path.read_text())


SOURCES = (
    Source("Words of the templates", ROOT / f"frontend/locale/{LOCALE}/LC_MESSAGES/django.po", templates),
    Source("Words said by Python", ROOT / f"console/locale/{LOCALE}/LC_MESSAGES/django.po", python),
    Source("Words of the REST reference", ROOT / f"console/rest/locale/{LOCALE}/LC_MESSAGES/django.po", rest),
    Source("Words of scripts in the browser", ROOT / f"console/locale/{LOCALE}/LC_MESSAGES/djangojs.po", typescript),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("extract", "missing", "compile"):
        commands.add_parser(name)
    commands.add_parser("join").add_argument("other", type=Path)
    merging = commands.add_parser("merge")
    for name in ("base", "ours", "theirs"):
        merging.add_argument(name, type=Path)
    asked = parser.parse_args(arguments)
    if asked.command in ("extract", "missing"):
        set_up_django()
    match asked.command:
        case "extract":
            for source in SOURCES:
                write(source.po, renewed(source), source.title)
        case "missing":
            return report_missing()
        case "compile":
            compile_all()
        case "join":
            join(asked.other)
        case "merge":
            merge(asked.base, asked.ours, asked.theirs)
    return 0


def set_up_django() -> None:
    """The REST reference is made by the running product's own code."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()


def renewed(source: Source) -> Catalog:
    """What the source says now, with the translations that are there."""
    known, fresh = read(source.po), new()
    for identifier, context in source.find():
        fresh.add(identifier, context=context)
    for message in _messages(fresh):
        before = known.get(message.id, message.context)
        if before is not None:
            message.string = _fitting(before.string, plural=message.pluralizable)
    return fresh


def report_missing() -> int:
    """Exit code 1 when something is missing."""
    count = 0
    for source in SOURCES:
        for message in _messages(renewed(source)):
            if not translated(message):
                count += 1
                print(f"{source.po.relative_to(ROOT)}: {message.id!r}")
    print(f"{count} without a translation", file=sys.stderr)
    return 1 if count else 0


def compile_all() -> None:
    """Beside each .po its .mo, written whole or not at all."""
    for source in SOURCES:
        mo = source.po.with_suffix(".mo")
        if not source.po.exists() or (mo.exists() and mo.stat().st_mtime >= source.po.stat().st_mtime):
            continue
        partial = mo.with_suffix(f".{os.getpid()}.part")
        with partial.open("wb") as file:
            write_mo(file, read(source.po))
        partial.rename(mo)


def join(other: Path) -> None:
    """Into every catalogue that has the message without a translation."""
    theirs = read(other)
    for source in SOURCES:
        ours = read(source.po)
        for message in _messages(ours):
            found = theirs.get(message.id, message.context)
            if found is not None and not translated(message):
                message.string = _fitting(found.string, plural=message.pluralizable)
        write(source.po, ours, source.title)


def merge(base: Path, ours: Path, theirs: Path) -> None:
    """Message by message, into `ours`: what one side added or translated stays, what one side removed goes."""
    before, here, there = read(base), read(ours), read(theirs)
    merged = new()
    for message in (*_messages(here), *_messages(there)):
        sides = [side.get(message.id, message.context) for side in (here, there)]
        old = before.get(message.id, message.context)
        if old is not None and None in sides:
            continue
        changed = [one for one in sides if one and translated(one) and (old is None or one.string != old.string)]
        chosen = (changed or [one for one in sides if one])[-1]
        if merged.get(message.id, message.context) is None:
            merged.add(chosen.id, chosen.string, context=chosen.context)
    title = ours.read_text().split("\n", 1)[0].removeprefix("# ").split(". Made by")[0]
    write(ours, merged, title)


def translated(message: Message) -> bool:
    return all(_strings(message)) and not message.fuzzy


def placeholders(text: str) -> set[str]:
    """The names that stand for values: `%(count)s`, `{name}`."""
    return {"".join(names) for names in _PLACEHOLDER.findall(text)}


def wrong_placeholders(message: Message) -> bool:
    """A plural's one may leave its number out: `One pod` and `%(count)s pods`."""
    ids = [str(one) for one in message.id] if isinstance(message.id, tuple | list) else [message.id]
    allowed = set().union(*map(placeholders, ids))
    needed = placeholders(ids[-1])
    return any(not needed <= placeholders(text) <= allowed for text in _strings(message))


def messages() -> Iterator[Message]:
    """Every message of every catalogue, as the sources say them now."""
    for source in SOURCES:
        yield from _messages(renewed(source))


def new() -> Catalog:
    return Catalog(locale=LOCALE, charset="utf-8", fuzzy=False)


def read(po: Path) -> Catalog:
    if not po.exists():
        return new()
    with po.open("rb") as file:
        return read_po(file, locale=LOCALE, charset="utf-8", abort_invalid=True)


def write(po: Path, catalogue: Catalog, title: str) -> None:
    """Only when something is different: its time says whether it has to be compiled."""
    body = io.BytesIO()
    write_po(body, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    text = HEADER.format(title=title) + body.getvalue().decode()
    if not po.exists() or po.read_text() != text:
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_text(text)


def _extracted(language: str, text: str) -> Found:
    file = io.BytesIO(text.encode())
    for _line, identifier, _comments, context in extract(language, file, KEYWORDS):
        yield identifier, context


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _strings(message: Message) -> list[str]:
    forms = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [form or "" for form in forms]


def _fitting(string: Any, *, plural: bool) -> Any:
    """Chinese has one form, whether a message is counted or not."""
    first = string if isinstance(string, str) else string[0]
    return (first,) if plural else first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
