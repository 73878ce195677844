"""Image references: what may be written, and what Kubernetes concludes from the tag."""

from __future__ import annotations

import re
from typing import Any

_HOST = r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}(?::[0-9]{{1,5}})?/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_MAX_NAME = 255
_MOST_TOLD = 1000
"""Characters of a pod's images that stand beside it: PostgreSQL's indexes take no long values."""


def problem(image: str) -> str:
    """What is wrong with `image` as a reference, as a sentence; "" when nothing is."""
    if image != image.strip():
        return "must not have leading or trailing whitespace"
    if "://" in image:
        return "must not begin with a scheme: write the registry's address without https://"
    match = _REFERENCE.fullmatch(image) if len(image) < 4096 else None
    if match is None and re.search("[A-Z]", image.partition(":")[0].rpartition("/")[2]):
        return "repository names are lower case: write [registry/]name[:tag]"
    if match is None:
        return "must be an image reference: [registry[:port]/]name[:tag][@digest], such as nginx:1.27"
    if len(match["name"]) > _MAX_NAME:
        return f"the name may have at most {_MAX_NAME} characters"
    return ""


def pull_policy(image: str) -> str:
    """The default `imagePullPolicy`: Always for the tag `latest` or none, else IfNotPresent."""
    match = _REFERENCE.fullmatch(image)
    if match is None or match["digest"]:
        return "IfNotPresent"
    return "Always" if (match["tag"] or "latest") == "latest" else "IfNotPresent"


def familiar(name: str) -> str:
    """As Docker lists it: without its own registry's address, and with the tag that is meant where none is written."""
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    if "@" in name:
        return name
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def of_pod(pod: dict[str, Any]) -> str:
    """The images that its containers name, as Docker lists them, each once, with a space between them. Of very many
    long names the last are left out."""
    spec = pod["spec"]
    containers = (*spec["containers"], *(spec.get("initContainers") or ()))
    names = list(dict.fromkeys(familiar(one["image"]) for one in containers if one.get("image")))
    while len(" ".join(names)) > _MOST_TOLD:
        names.pop()
    return " ".join(names)
