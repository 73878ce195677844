"""ConfigMaps and Secrets as lists and details show them. A Secret's values are not in a row: one is read when asked."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property

from django.template.defaultfilters import filesizeformat

from console.rows import Row
from workloads.client import JSON
from workloads.kinds import bags

HIDDEN = "(hidden)"
_COPY = "kubectl.kubernetes.io/last-applied-configuration"
"""What kubectl apply keeps of a Secret holds its values, too."""


@dataclass(frozen=True)
class Entry:
    key: str
    size: int
    text: str | None = None
    """None for what is hidden, or no text."""

    @property
    def size_words(self) -> str:
        return str(filesizeformat(self.size))


@dataclass(frozen=True)
class BagRow(Row):
    """A ConfigMap."""

    page = "console:configmap"

    @cached_property
    def entries(self) -> list[Entry]:
        texts = [Entry(key, len(value.encode()), value) for key, value in (self.obj.get("data") or {}).items()]
        blobs = [Entry(key, len(bags.blob(value))) for key, value in (self.obj.get("binaryData") or {}).items()]
        return sorted([*texts, *blobs], key=lambda entry: entry.key)

    @property
    def size_words(self) -> str:
        return str(filesizeformat(sum(entry.size for entry in self.entries)))

    @property
    def immutable(self) -> bool:
        return bool(self.obj.get("immutable"))

    @property
    def type(self) -> str:
        return str(self.obj.get("type", ""))


@dataclass(frozen=True)
class SecretRow(BagRow):
    page = "console:secret"

    @cached_property
    def entries(self) -> list[Entry]:
        return [Entry(key, len(bags.blob(value))) for key, value in sorted((self.obj.get("data") or {}).items())]


def value_of(secret: JSON, key: str) -> tuple[str, bool]:
    """The value of `key` and whether it is text; what is none stays base64. Raises KeyError."""
    encoded = str((secret.get("data") or {})[key])
    try:
        return base64.b64decode(encoded).decode(), True
    except UnicodeDecodeError:
        return encoded, False


def redacted(secret: JSON) -> JSON:
    """For reading: the object without what it keeps secret."""
    metadata = dict(secret["metadata"])
    annotations = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != _COPY}
    if annotations:
        metadata["annotations"] = annotations
    shown = {**secret, "metadata": metadata}
    if "data" in shown:
        shown["data"] = dict.fromkeys(secret["data"] or {}, HIDDEN)
    return shown
