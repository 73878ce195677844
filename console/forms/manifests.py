"""Create from YAML: text to manifests with the kind each one is, or what is wrong with it and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workloads.kinds import refusals, registry
from workloads.meta.manifests import Document, ManifestError, parse_yaml_documents

JSON = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One document of the text: what it is, or why it can be nothing."""

    line: int
    title: str
    """`Deployment shop/web`, for people."""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    manifest: JSON | None = None
    duplicates: tuple[str, ...] = ()
    refusal: str = ""


def read(text: str, *, default_namespace: str) -> list[Entry]:
    """Raises ManifestError when the text is no YAML at all; everything smaller is an entry's refusal."""
    entries = [_entry(document, default_namespace) for document in parse_yaml_documents(text)]
    if not entries:
        raise ManifestError("There is nothing here: paste or choose a manifest, for example a Deployment.")
    return entries


def _entry(document: Document, default_namespace: str) -> Entry:
    manifest = document.value
    if not isinstance(manifest, dict):
        return Entry(document.line, "Document", refusal="A manifest is a mapping with apiVersion, kind and metadata.")
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    word, name = str(manifest.get("kind", "")), str(metadata.get("name", "") or metadata.get("generateName", ""))
    kind = registry.kinds().get(word)
    if not word:
        return Entry(
            document.line, "Document", refusal="kind: required. Say what this is, for example kind: Deployment."
        )
    if kind is None or manifest.get("apiVersion") != kind.api_version:
        return Entry(document.line, f"{word} {name}", refusal=_unserved(manifest))
    namespace = str(metadata.get("namespace") or default_namespace) if kind.namespaced else ""
    if kind.namespaced and not namespace:
        return Entry(
            document.line, f"{word} {name}", refusal="metadata.namespace: required here. Name one, or choose one above."
        )
    title = f"{word} {namespace}/{name}" if namespace else f"{word} {name}"
    return Entry(document.line, title, kind.name, name, namespace, manifest, document.duplicates)


def _unserved(manifest: JSON) -> str:
    """The sentence for a kind that is refused, comes later, or stands under another apiVersion."""
    word, version = str(manifest["kind"]), str(manifest.get("apiVersion", ""))
    served = registry.kinds().get(word)
    if served is not None:
        return f"apiVersion: {word} is served as {served.api_version}, not {version or 'nothing'}."
    if refused := refusals.refused_kind(api_version=version, kind=word):
        return f"kind: {refused.sentence}"
    return f"kind: {word} of {version or 'no apiVersion'} is not served. Served are {', '.join(registry.kinds())}."
