"""Images: what stands ready on this host, what runs from it, and the registries whose passwords the account keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import orjson
from django.utils.translation import gettext as _

from console import lists
from console.access import Visit
from console.lists import Query
from console.pages import Context, page
from workloads.kinds import bags

LOGIN = "kubernetes.io/dockerconfigjson"
MOST_SECRETS = 200


@dataclass(frozen=True)
class ImageRow:
    repository: str
    tag: str
    size_bytes: int
    pods: int
    """Of the account, that run from it or are about to."""

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Login:
    """A Secret with passwords for registries."""

    namespace: str
    name: str
    registries: tuple[str, ...]


@page("images/list.html", kinds=("Pod", "Secret"))
def image_list(visit: Visit) -> Context:
    query = Query.of(visit.request, "q", "use")
    found, pods = visit.client.images_here(), visit.client.images_used()
    rows = [_row(one.name, one.size_bytes, pods) for one in found or ()]
    part, use = query.get("q").lower(), query.get("use")
    wanted = [row for row in rows if part in row.name.lower() and (not use or bool(row.pods) == (use == "yes"))]
    shown = [row for row in wanted if row.name > query.get("continue")]
    return {
        "section": "images",
        "away": found is None,
        "rows": shown[: lists.PAGE],
        "pager": lists.named(query, shown[: lists.PAGE], more=len(shown) > lists.PAGE),
        "query": query,
        "chips": [
            query.chip("use", "", _("All")),
            query.chip("use", "yes", _("In use by your pods")),
            query.chip("use", "no", _("Not in use by your pods")),
        ],
        "total": len(rows),
        "bytes": sum(row.size_bytes for row in rows),
        "logins": _logins(visit),
        "may_create": visit.client.may("create", "Deployment"),
    }


def _row(name: str, size: int, pods: Counter[str]) -> ImageRow:
    repository, _colon, tag = name.rpartition(":")
    return ImageRow(repository, tag, size, pods[name])


def _logins(visit: Visit) -> list[Login] | None:
    """Whose content cannot be read names no registry; None for who may not read Secrets of all namespaces."""
    if not visit.client.may("list", "Secret"):
        return None
    secrets = visit.client.list("Secret", limit=MOST_SECRETS, field_selector=f"type={LOGIN}").items
    return [
        Login(one["metadata"]["namespace"], one["metadata"]["name"], _registries(one.get("data") or {}))
        for one in secrets
    ]


def _registries(data: dict[str, str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(orjson.loads(bags.blob(data[".dockerconfigjson"]))["auths"]))
    except (KeyError, TypeError, ValueError):
        return ()
