"""Ctrl K: pages, commands and objects by a part of their name. Plain GET, so it is a page without script, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from console import lists
from console.access import Visit
from console.pages import Context, page

_EACH = 6
_KINDS = (("Deployment", "console:deployment"), ("Pod", "console:pod"))


@dataclass(frozen=True)
class Hit:
    group: str
    label: str
    note: str
    url: str


@page("search.html")
def search(visit: Visit) -> Context:
    text = visit.request.GET.get("q", "").strip().lower()
    hits = [*_places(visit, text), *_namespaces(visit, text), *(_objects(visit, text) if text else ())]
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append(hit)
    return {"section": "search", "q": text, "groups": groups}


def _places(visit: Visit, text: str) -> list[Hit]:
    named = [
        (_("Create from Image"), "console:deployment-create"),
        (_("Create from YAML"), "console:yaml-create"),
        (_("Request a namespace"), "console:namespace-create"),
        (_("Overview"), "console:overview"),
        (_("Namespaces"), "console:namespaces"),
        (_("Deployments"), "console:all-deployments"),
        (_("Pods"), "console:all-pods"),
        (_("kubectl access"), "console:kubectl"),
        (_("Help"), "console:help"),
        (_("Download a kubeconfig"), "console:kubeconfig"),
    ]
    return [Hit(_("Go to"), label, "", url) for label, name in named if text in label.lower() and (url := _url(name))]


def _namespaces(visit: Visit, text: str) -> Iterator[Hit]:
    for item in islice(lists.matching(visit.client, "Namespace", None, text), _EACH):
        name = item["metadata"]["name"]
        yield Hit(_("Namespaces"), name, "", reverse("console:namespace", kwargs={"namespace": name}))


def _objects(visit: Visit, text: str) -> Iterator[Hit]:
    for kind, url_name in _KINDS:
        for item in islice(lists.matching(visit.client, kind, None, text), _EACH):
            metadata = item["metadata"]
            where = {"namespace": metadata["namespace"], "name": metadata["name"]}
            yield Hit(_(f"{kind}s"), metadata["name"], metadata["namespace"], reverse(url_name, kwargs=where))


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
