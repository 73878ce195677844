"""What is wrong with a YAML text, and what it would do: each document dry run, each sentence at its line.

The text of a person who is typing: half of it may not be YAML yet. What can be read is checked all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from console import threeway, yamlplaces
from console.forms import manifests as typed
from console.forms.manifests import Entry
from console.sections import page_of
from console.yamlplaces import Places
from workloads.client import JSON, Answer, Client, WriteOptions
from workloads.meta.errors import Cause, Forbidden, NotFound, QuotaReached, Refused, StatusError
from workloads.meta.manifests import LONGEST, MOST_DOCUMENTS, ManifestError

State = Literal["new", "changed", "same", "problem", "unchecked"]
Sort = Literal["syntax", "schema", "rights", "quota", "server", "price", "note"]

MANAGER = "console"
MOST_CHECKED = 50
"""Documents that are dry run while somebody types; the button checks all."""
PRICE = "price in "
_LOOKS: dict[State, tuple[str, str]] = {
    "new": ("ok", "dot"),
    "changed": ("busy", "ring"),
    "same": ("idle", "hollow"),
    "problem": ("bad", "diamond"),
    "unchecked": ("idle", "hollow"),
}
_PLACE = re.compile(r" at line (\d+), column (\d+)")
_FIELD = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_DECODED = re.compile(r"\b((?:metadata|spec|data|rules|subjects)[\w.\[\]/-]*)")
_BOOKKEEPING = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink")


@dataclass(frozen=True)
class Marker:
    """A sentence at a line, from 1."""

    line: int
    sort: Sort
    severity: Literal["error", "warning", "info"]
    message: str
    field: str = ""


@dataclass(frozen=True)
class Checked:
    """One document: what it is, where it stands, and what sending it would do."""

    title: str
    kind: str
    name: str
    line: int
    last: int
    state: State
    markers: tuple[Marker, ...] = ()
    url: str = ""

    @property
    def word(self) -> str:
        return {
            "new": _("New"),
            "changed": _("Changed"),
            "same": _("Same"),
            "problem": _("Problem"),
            "unchecked": _("Not checked yet"),
        }[self.state]

    def as_json(self) -> JSON:
        tone, shape = _LOOKS[self.state]
        shown = {"title": self.title, "kind": self.kind, "name": self.name, "line": self.line, "last": self.last}
        looks = {"state": self.state, "word": self.word, "tone": tone, "shape": shape, "url": self.url}
        return {**shown, **looks, "markers": [vars(marker) for marker in self.markers]}


@dataclass(frozen=True)
class Only:
    """The one object that is edited, as it is stored."""

    live: JSON


def check(client: Client, text: str, *, default_namespace: str, only: Only | None = None) -> list[Checked]:
    """Never raises for what stands in the text."""
    if not text.strip():
        return []
    entries = _entries(text, default_namespace)
    made_here = {entry.name for entry, _places in entries if entry.kind == "Namespace"}
    return [
        _one(client, entry, places, made_here, only) if number < MOST_CHECKED else _plain(entry, places, "unchecked")
        for number, (entry, places) in enumerate(entries)
    ]


def _entries(text: str, namespace: str) -> list[tuple[Entry, Places]]:
    """The whole text; when that cannot be read, part by part, so that one mistake does not hide the others."""
    try:
        entries = typed.read(text, default_namespace=namespace)
        return list(zip(entries, yamlplaces.documents(text), strict=True))
    except ManifestError as error:
        pieces = yamlplaces.parts(text) if len(text) <= LONGEST else []
        if not 1 < len(pieces) <= MOST_DOCUMENTS:
            return [_unread(str(error), 1, text)]
    return [found for line, piece in pieces for found in _piece(piece, line, namespace)]


def _piece(piece: str, line: int, namespace: str) -> list[tuple[Entry, Places]]:
    try:
        entries = typed.read(piece, default_namespace=namespace)
    except ManifestError as error:
        if all(part.strip().startswith("#") for part in piece.splitlines() if part.strip()):
            return []
        return [_unread(str(error), line, piece)]
    shifted = "\n" * (line - 1) + piece
    pairs = zip(entries, yamlplaces.documents(shifted), strict=True)
    return [(replace(entry, line=places.first), places) for entry, places in pairs]


def _unread(said: str, line: int, piece: str) -> tuple[Entry, Places]:
    """`line` is where the piece begins; the sentence counts from the piece's own first line."""
    found = _PLACE.search(said)
    at = line + int(found[1]) - 1 if found else line
    last = line + piece.rstrip("\n").count("\n")
    sentence = _PLACE.sub("", said)
    title = _("Document at line %(line)d") % {"line": line}
    return Entry(min(at, last), title, refusal=sentence[:1].upper() + sentence[1:]), Places(None, line, last)


def _one(client: Client, entry: Entry, places: Places, made_here: set[str], only: Only | None) -> Checked:
    if entry.manifest is None:
        sort: Sort = "schema" if places.node is not None else "syntax"
        line = places.line(_about(entry.refusal)) if places.node is not None else entry.line
        return _plain(entry, places, "problem", Marker(line, sort, "error", entry.refusal))
    if entry.duplicates:
        return _plain(entry, places, "problem", *(_twice(path, places) for path in entry.duplicates))
    if only is not None and (another := _another(entry, places, only.live)):
        return _plain(entry, places, "problem", another)
    if only is None and entry.namespace in made_here:
        said = _("Checked once its namespace, which this text makes, is there.")
        return _plain(entry, places, "new", Marker(places.first, "note", "info", said))
    try:
        live = _live(client, entry, only)
        answer = _dry_run(client, entry, live, only)
    except StatusError as refusal:
        return _plain(
            entry, places, "problem", *_refused(refusal, places), *_hidden(client, entry, places, only, refusal)
        )
    return _accepted(entry, places, live, answer)


def _hidden(client: Client, entry: Entry, places: Places, only: Only | None, refusal: StatusError) -> list[Marker]:
    """What else would be refused: a field that there is not is told before anything is looked at."""
    if not _FIELD.search(refusal.message):
        return []
    try:
        _dry_run(client, entry, _live(client, entry, only), only, strictly=False)
    except StatusError as other:
        return _refused(other, places)
    return []


def _another(entry: Entry, places: Places, live: JSON) -> Marker | None:
    """Here stands one object alone, and it stays what it is."""
    metadata = live["metadata"]
    asked = {"kind": entry.kind, "metadata.name": entry.name, "metadata.namespace": entry.namespace}
    asked["apiVersion"] = str((entry.manifest or {}).get("apiVersion"))
    stored = {"kind": live["kind"], "metadata.name": metadata["name"], "apiVersion": live["apiVersion"]}
    stored["metadata.namespace"] = metadata.get("namespace", "")
    for path, value in stored.items():
        if asked[path] != value:
            said = _("%(field)s cannot be changed here: leave it as %(value)s.") % {"field": path, "value": value}
            return Marker(places.line(path), "schema", "error", said, path)
    return None


def _live(client: Client, entry: Entry, only: Only | None) -> JSON | None:
    """The object of this name that is there; None for a new one. Raises StatusError."""
    return only.live if only is not None else live_of(client, entry)


def live_of(client: Client, entry: Entry) -> JSON | None:
    """None too where one may not look: creating it says then whether it is there. Raises StatusError."""
    metadata = (entry.manifest or {}).get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        return None
    try:
        return client.get(entry.kind, entry.name, entry.namespace)
    except (NotFound, Forbidden):
        return None


def _dry_run(client: Client, entry: Entry, live: JSON | None, only: Only | None, *, strictly: bool = True) -> Answer:
    options = WriteOptions(dry_run=True, field_validation="Strict" if strictly else "Ignore", manager=MANAGER)
    manifest = dict(entry.manifest or {})
    if live is None:
        return client.create(entry.kind, manifest, entry.namespace, options=options)
    if only is not None:
        return client.update(entry.kind, entry.name, manifest, entry.namespace, options=options)
    return apply(client, entry, dry_run=True, strictly=strictly)


def apply(client: Client, entry: Entry, *, dry_run: bool, strictly: bool = True) -> Answer:
    """As `kubectl apply --server-side --force-conflicts` does it: what the text says holds, what it does not stays.
    Raises StatusError."""
    options = WriteOptions(
        dry_run=dry_run, field_validation="Strict" if strictly else "Ignore", manager=MANAGER, force=True
    )
    patch = dict(entry.manifest or {})
    return client.patch(entry.kind, entry.name, patch, "application/apply-patch+yaml", entry.namespace, options=options)


def differs(live: JSON, answer: Answer) -> bool:
    """Whether anything that a person writes is another."""
    return bool(threeway.changed(_written(live), _written(answer.obj)))


def _accepted(entry: Entry, places: Places, live: JSON | None, answer: Answer) -> Checked:
    markers = [_remark(warning, places) for warning in answer.warnings]
    state: State = "new"
    if live is not None:
        state = "changed" if differs(live, answer) else "same"
        markers = markers if state == "changed" else []
    return _plain(entry, places, state, *markers)


def _remark(warning: str, places: Places) -> Marker:
    if warning.startswith(PRICE):
        line = places.line("spec.replicas") if "replicas" in _keys(places, "spec") else places.line("kind")
        return Marker(line, "price", "info", warning[:1].upper() + warning[1:])
    return Marker(places.line(_about(warning)), "note", "warning", warning[:1].upper() + warning[1:])


def _keys(places: Places, name: str) -> set[str]:
    """What stands right below a field of the document."""
    for key, value in getattr(places.node, "value", ()):
        if getattr(key, "value", None) == name and isinstance(value.value, list):
            return {str(getattr(pair[0], "value", "")) for pair in value.value if isinstance(pair, tuple)}
    return set()


def _refused(refusal: StatusError, places: Places) -> list[Marker]:
    sort = _sort(refusal)
    if refusal.causes:
        return [Marker(places.line(cause.field), sort, "error", cause.message, cause.field) for cause in refusal.causes]
    if fields := _FIELD.findall(refusal.message):
        return [_strange(word, path, places) for word, path in fields]
    return [Marker(places.line(_about(refusal.message)), sort, "error", refusal.message)]


def causes(refusal: StatusError) -> tuple[Cause, ...]:
    """What a refusal says, field by field where it can be told apart."""
    said = {
        "unknown": _("No field of this kind: look for its spelling and its place."),
        "duplicate": _("Stands here twice."),
    }
    fields = tuple(Cause(path, said[word]) for word, path in _FIELD.findall(refusal.message))
    return refusal.causes or fields or (Cause("", refusal.message),)


def _strange(word: str, path: str, places: Places) -> Marker:
    if word == "duplicate":
        return _twice(path, places)
    said = _("%(field)s is no field of this kind: look for its spelling and its place.")
    return Marker(places.line(path), "schema", "error", said % {"field": path}, path)


def _twice(path: str, places: Places) -> Marker:
    said = _("%(field)s stands here twice: take one of the two away.")
    return Marker(places.line(path, second=True), "schema", "error", said % {"field": path}, path)


def _sort(refusal: StatusError) -> Sort:
    if isinstance(refusal, QuotaReached) or "quota" in refusal.message or "budget" in refusal.message:
        return "quota"
    if isinstance(refusal, Refused):
        return "server"
    return "rights" if isinstance(refusal, Forbidden) else "schema"


def _about(sentence: str) -> str:
    """The path a sentence names first; "" for none."""
    if found := re.match(r"(apiVersion|kind|metadata\.\w+):", sentence):
        return found[1]
    found = _DECODED.search(sentence)
    return found[1] if found else ""


def _plain(entry: Entry, places: Places, state: State, *markers: Marker) -> Checked:
    url = page_of(entry.kind, entry.namespace, entry.name) if state in ("changed", "same") else ""
    return Checked(entry.title, entry.kind, entry.name, places.first, places.last, state, tuple(markers), url)


def _written(obj: JSON) -> JSON:
    """Without status and the bookkeeping of metadata."""
    metadata: dict[str, Any] = {name: value for name, value in obj["metadata"].items() if name not in _BOOKKEEPING}
    return {name: metadata if name == "metadata" else value for name, value in obj.items() if name != "status"}
