"""Ctrl K: pages, commands and objects by a part of their name. Plain GET, so it is a page without script, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from console import lists, sections
from console.access import Visit
from console.pages import Context, page
from iam import people
from iam.errors import NotAdministrator
from workloads.meta.errors import Forbidden

_EACH = 6


@dataclass(frozen=True)
class Hit:
    group: str
    label: str
    note: str
    url: str


@page("search.html")
def search(visit: Visit) -> Context:
    text = visit.request.GET.get("q", "").strip().lower()
    hits = [*_places(visit, text), *_namespaces(visit, text)]
    hits += [*_objects(visit, text), *_people(visit, text)] if text else []
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append(hit)
    return {"section": "search", "q": text, "groups": groups}


def _places(visit: Visit, text: str) -> list[Hit]:
    named = [
        (_("Create from Image"), "console:deployment-create"),
        (_("Create from YAML"), "console:yaml-create"),
        (_("Request a namespace"), "console:namespace-create"),
        (_("Create a Job"), "console:job-create"),
        (_("Create a CronJob"), "console:cronjob-create"),
        (_("Create a claim"), "console:claim-create"),
        (_("Create a ConfigMap"), "console:configmap-create"),
        (_("Create a Secret"), "console:secret-create"),
        (_("Create an ELB"), "console:elb-create"),
        (_("Create a user"), "console:user-create"),
        (_("Create a group"), "console:group-create"),
        (_("Create a policy"), "console:policy-create"),
        (_("Change your password"), "console:password"),
        *((str(section.title), section.everywhere) for section in sections.SECTIONS),
        (_("Download a kubeconfig"), "console:kubeconfig"),
    ]
    return [Hit(_("Go to"), label, "", url) for label, name in named if text in label.lower() and (url := _url(name))]


def _namespaces(visit: Visit, text: str) -> Iterator[Hit]:
    for key in islice(lists.matching(visit.client, "Namespace", text), _EACH):
        yield Hit(_("Namespaces"), key.name, "", reverse("console:namespace", kwargs={"namespace": key.name}))


def _objects(visit: Visit, text: str) -> Iterator[Hit]:
    titles = {section.kind: str(section.title) for section in sections.SECTIONS if section.kind}
    for kind in (*sections.PAGES, *sections.OF_ACCOUNT):
        with suppress(Forbidden):
            for key in islice(lists.matching(visit.client, kind, text), _EACH):
                yield Hit(titles[kind], key.name, key.namespace, sections.page_of(kind, key.namespace, key.name))


def _people(visit: Visit, text: str) -> Iterator[Hit]:
    """For those who may list them."""
    with suppress(NotAdministrator):
        for user in people.users(visit.identity, part=text, limit=_EACH):
            yield Hit(_("Users"), user.name, "", sections.page_of("User", "", user.name))
        for group in people.groups(visit.identity, part=text, limit=_EACH):
            yield Hit(_("Groups"), group.name, "", sections.page_of("Group", "", group.name))


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
