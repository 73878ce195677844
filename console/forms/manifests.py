"""Create from YAML: text to manifests with the kind each one is, or what is wrong with it and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workloads.kinds import refusals, registry
from workloads.meta.manifests import LONGEST, Document, ManifestError, parse_yaml_documents

JSON = dict[str, Any]

TOO_LONG = gettext_lazy("This is larger than 3 MB. Split it into several.")


@dataclass(frozen=True)
class Entry:
    """One document of the text: what it is, or why it can be nothing."""

    line: int
    title: str
    """`Deployment shop/web`, for people. Of what has no name yet, its kind."""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    manifest: JSON | None = None
    duplicates: tuple[str, ...] = ()
    refusal: str = ""


def read(text: str, *, default_namespace: str) -> list[Entry]:
    """Raises ManifestError when the text is no YAML at all; everything smaller is an entry's refusal."""
    if len(text) > LONGEST or len(text.encode()) > LONGEST:
        raise ManifestError(str(TOO_LONG))
    entries = [_entry(document, default_namespace) for document in parse_yaml_documents(text)]
    if not entries:
        raise ManifestError(_("There is nothing here: paste or choose a manifest, for example a Deployment."))
    return list(_once(entries))


def _once(entries: list[Entry]) -> Iterator[Entry]:
    """An object that the text describes twice is refused where it stands the second time."""
    seen: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        key = (entry.kind, entry.namespace, entry.name)
        metadata = entry.manifest.get("metadata") if entry.manifest else None
        if not isinstance(metadata, dict) or not metadata.get("name"):
            yield entry
            continue
        first = seen.setdefault(key, entry.line)
        again = _("the same object stands at line %(line)d already: take one of the two away.") % {"line": first}
        yield entry if first == entry.line else replace(entry, manifest=None, refusal=again)


def _entry(document: Document, default_namespace: str) -> Entry:
    manifest = document.value
    if not isinstance(manifest, dict):
        return Entry(
            document.line, _("Document"), refusal=_("A manifest is a mapping with apiVersion, kind and metadata.")
        )
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    word, name = str(manifest.get("kind", "")), str(metadata.get("name", "") or metadata.get("generateName", ""))
    kind = registry.kinds().get(word)
    if not word:
        return Entry(
            document.line, _("Document"), refusal=_("kind: required. Say what this is, for example kind: Deployment.")
        )
    if kind is None or manifest.get("apiVersion") not in kind.api_versions:
        return Entry(document.line, f"{word} {name}", refusal=_unserved(manifest))
    namespace = str(metadata.get("namespace") or default_namespace) if kind.namespaced else ""
    if kind.namespaced and not namespace:
        return Entry(
            document.line,
            f"{word} {name}",
            refusal=_("metadata.namespace: required here. Name one, or choose one above."),
        )
    title = f"{word} {namespace}/{name}" if namespace else f"{word} {name}"
    return Entry(document.line, title, kind.name, name, namespace, manifest, document.duplicates)


def _unserved(manifest: JSON) -> str:
    """The sentence for a kind that is refused, comes later, or stands under another apiVersion."""
    word, version = str(manifest["kind"]), str(manifest.get("apiVersion", ""))
    served = registry.kinds().get(word)
    if served is not None:
        words = {"kind": word, "served": served.api_version, "version": version}
        if not version:
            return _("apiVersion: %(kind)s is served as %(served)s, not nothing.") % words
        return _("apiVersion: %(kind)s is served as %(served)s, not %(version)s.") % words
    if refused := refusals.refused_kind(api_version=version, kind=word):
        return f"kind: {refused.sentence}"
    words = {"kind": word, "version": version or _("no apiVersion"), "kinds": ", ".join(registry.kinds())}
    return _("kind: %(kind)s of %(version)s is not served. Served are %(kinds)s.") % words
