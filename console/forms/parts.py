"""One of the objects that a form makes beside its main one, with the way back from an error's path to a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]

_PORT = re.compile(r"spec\.ports\[(\d+)\]\.?(\w*)")
_PATH = re.compile(r"spec\.rules\[0\]\.http\.paths\[(\d+)\]\.?(\w*)")
_PORT_FIELDS = {"targetPort": "target", "protocol": "protocol"}
_PATH_FIELDS = {"backend": "port", "pathType": "how"}


@dataclass(frozen=True)
class Part:
    """`places` says at which field an error is shown, by how its path begins; "" for all others."""

    manifest: JSON
    places: Mapping[str, str]
    title: str = ""
    """Said before what is wrong with it, where no field tells which object it is."""

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"].get("namespace", ""))

    def field_of(self, path: str) -> str:
        if found := _PORT.match(path):
            return f"access-port-{found[1]}-{_PORT_FIELDS.get(found[2], 'port')}"
        if found := _PATH.match(path):
            return f"access-path-{found[1]}-{_PATH_FIELDS.get(found[2], 'path')}"
        return next(field for start, field in self.places.items() if path.startswith(start))
