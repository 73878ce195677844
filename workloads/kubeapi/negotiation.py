"""What the caller accepts: an object, a Table of it, or its metadata alone; as JSON or YAML.

Clients list what they would take, best first, and say how in media type parameters: `application/json;as=Table;v=v1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from workloads.meta.errors import NotAcceptable

Form = Literal["object", "table", "metadata"]

_FORMS: dict[str, Form] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}
_JSON = ("application/json", "application/*", "*/*")
_YAML = ("application/yaml",)


@dataclass(frozen=True)
class Accepted:
    form: Form = "object"
    yaml: bool = False
    meta_version: str = "v1"
    """Of a Table or PartialObjectMetadata."""


class MediaRange(NamedTuple):
    type: str
    parameters: dict[str, str]


@lru_cache(maxsize=64)  # a client says the same each time
def accepted(header: str) -> Accepted:
    """The first thing in an Accept header that we can give. Raises NotAcceptable."""
    if not header:
        return Accepted()
    for media in ranges(header):
        found = _match(media)
        if found is not None:
            return found
    raise NotAcceptable("only the following media types are accepted: application/json, application/yaml")


def ranges(header: str) -> Iterator[MediaRange]:
    """The media ranges of an Accept header, best first."""
    parsed = [_parse(part) for part in header.split(",")[:50] if part.strip()]
    return iter(sorted(parsed, key=lambda media: -_quality(media)))


def _parse(part: str) -> MediaRange:
    name, *rest = (piece.strip() for piece in part.split(";"))
    pairs = (piece.partition("=") for piece in rest)
    return MediaRange(name.lower(), {key.strip().lower(): value.strip() for key, _, value in pairs})


def _quality(media: MediaRange) -> float:
    try:
        return float(media.parameters.get("q", "1"))
    except ValueError:
        return 0.0


def _match(media: MediaRange) -> Accepted | None:
    yaml = media.type in _YAML
    if not yaml and media.type not in _JSON:
        return None
    wanted, group = media.parameters.get("as", ""), media.parameters.get("g", "meta.k8s.io")
    version = media.parameters.get("v", "v1")
    if wanted not in _FORMS or (wanted and (group != "meta.k8s.io" or version not in ("v1", "v1beta1"))):
        return None
    return Accepted(form=_FORMS[wanted], yaml=yaml, meta_version=version)
