"""Which names and passwords a registry is asked with, from the docker configurations of a pod's imagePullSecrets. Pure.

The rules are the kubelet's: a configuration names registries, or parts of them (`registry.example.com/team`), with or
without a scheme and with `*` for a part of the host name; the longest match is tried first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from workloads.runtimes.bags import values

JSON = Mapping[str, Any]

_HUB = "index.docker.io"
_HUB_NAMES = (_HUB, "docker.io", "registry-1.docker.io")


@dataclass(frozen=True)
class Credentials:
    """Nothing prints the password."""

    username: str
    password: str = field(repr=False)

    def auth(self) -> dict[str, str]:
        """As Docker takes it."""
        return {"username": self.username, "password": self.password}


def of_image(image: str, secrets: Iterable[JSON]) -> tuple[Credentials, ...]:
    """Those that may be asked with for `image`, the closest first, each once."""
    matches = [
        (len(place), credentials)
        for secret in secrets
        for place, credentials in _entries(secret)
        if _covers(place, _address(image))
    ]
    ordered = [credentials for _, credentials in sorted(matches, key=lambda match: -match[0])]
    return tuple(dict.fromkeys(ordered))


def _entries(secret: JSON) -> Iterable[tuple[str, Credentials]]:
    """(place, credentials) of a Secret; nothing of one that is no docker configuration."""
    data = values(secret)
    if ".dockerconfigjson" in data:
        listed = _object(data[".dockerconfigjson"]).get("auths")
    else:
        listed = _object(data.get(".dockercfg", b"{}"))
    for place, entry in (listed or {}).items() if isinstance(listed, dict) else ():
        credentials = _credentials(entry) if isinstance(entry, dict) else None
        if credentials:
            yield _place(place), credentials


def _object(data: bytes) -> JSON:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _credentials(entry: JSON) -> Credentials | None:
    username, password = entry.get("username"), entry.get("password")
    if isinstance(username, str) and isinstance(password, str) and username:
        return Credentials(username, password)
    try:
        text = base64.b64decode(entry.get("auth") or "").decode()
    except (binascii.Error, ValueError, TypeError):
        return None
    name, colon, word = text.partition(":")
    return Credentials(name, word.rstrip("\x00")) if colon and name else None


def _place(text: str) -> str:
    """`https://index.docker.io/v1/` is `index.docker.io`."""
    host, slash, path = text.partition("://")[2].partition("/") if "://" in text else text.partition("/")
    path = path.strip("/")
    if path in ("v1", "v2"):
        path = ""
    host = _HUB if host in _HUB_NAMES else host
    return f"{host}/{path}" if slash and path else host


def _address(image: str) -> str:
    """`nginx:1` is `index.docker.io/library/nginx`."""
    name = image.partition("@")[0]
    name = name[: name.rindex(":")] if ":" in name.rpartition("/")[2] else name
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        return f"{_HUB}/{name if slash else f'library/{name}'}"
    return f"{_HUB if host in _HUB_NAMES else host}/{rest}"


def _covers(place: str, address: str) -> bool:
    host, _, path = place.partition("/")
    asked_host, _, asked_path = address.partition("/")
    parts, asked_parts = host.split("."), asked_host.split(".")
    if len(parts) != len(asked_parts):
        return False
    if not all(fnmatchcase(asked, part) for asked, part in zip(asked_parts, parts, strict=True)):
        return False
    return not path or asked_path == path or asked_path.startswith(f"{path}/")
