"""Ctrl K: pages, commands and objects by a part of their name, and what may be done with them. Plain GET, so it is a
page without script, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console import deeds, lists, sections
from console.access import Visit
from console.deeds import Deed, Place
from console.pages import Context, page
from iam import people
from iam.errors import NotAdministrator
from workloads.meta.errors import Forbidden

_EACH = 6


_CREATES = {
    "console:deployment-create": "Deployment",
    "console:yaml-create": "",
    "console:namespace-create": "Namespace",
    "console:job-create": "Job",
    "console:cronjob-create": "CronJob",
    "console:pod-create": "Pod",
    "console:claim-create": "PersistentVolumeClaim",
    "console:configmap-create": "ConfigMap",
    "console:secret-create": "Secret",
    "console:serviceaccount-create": "ServiceAccount",
    "console:elb-create": "ELB",
}
"""The forms that create, and the kind that one must be allowed to create; "" for any."""
_MOST_NAMESPACES = 20


@dataclass(frozen=True)
class Hit:
    group: str
    label: str
    note: str
    deed: Deed


@page("search.html")
def search(visit: Visit) -> Context:
    text = visit.request.GET.get("q", "").replace("\0", "").strip().lower()
    hits = [*_here(visit, text), *_places(visit, text)]
    if text:
        objects = list(_objects(visit, text))
        hits += [*_console(text), *_namespaces(visit, text), *(_open(place) for place in objects)]
        hits += [*_done_with(visit, text, objects), *_people(visit, text)]
    else:
        hits += _namespaces(visit, text)
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append(hit)
    return {"section": "search", "q": text, "groups": groups}


def _here(visit: Visit, text: str) -> list[Hit]:
    """What may be done with the object whose page is open."""
    current = visit.request.headers.get("HX-Current-URL", "")
    place = deeds.place_of(urlsplit(current).path) if current else None
    if place is None:
        return []
    return [
        Hit(f"{place.kind} {place.name}", deed.label, deed.copies, deed)
        for deed in deeds.of(visit.client, place)
        if text in deed.label.lower()
    ]


def _done_with(visit: Visit, text: str, objects: list[Place]) -> list[Hit]:
    """`web` offers all that may be done with the first object of that name; `restart web` this with each of them."""
    if objects:
        first = objects[0]
        return [_deed(first, deed) for deed in deeds.of(visit.client, first)]
    for word in text.split():
        rest = " ".join(one for one in text.split() if one != word)
        found = islice(_objects(visit, rest), _EACH) if rest else iter(())
        hits = [
            _deed(place, deed)
            for place in found
            for deed in deeds.of(visit.client, place)
            if any(part.startswith(word) for part in deed.label.lower().split())
        ]
        if hits:
            return hits
    return []


def _deed(place: Place, deed: Deed) -> Hit:
    return Hit(f"{place.kind} {place.name}", deed.label, deed.copies or place.namespace, deed)


def _open(place: Place) -> Hit:
    titles = {section.kind: str(section.title) for section in sections.SECTIONS if section.kind}
    deed = Deed(place.name, sections.page_of(place.kind, place.namespace, place.name))
    return Hit(titles.get(place.kind, place.kind), place.name, place.namespace, deed)


def _console(text: str) -> list[Hit]:
    """Commands of the whole console."""
    theme, language = reverse("console:theme"), reverse("console:language")
    commands = [
        *(
            Deed(label, theme, post={"theme": value})
            for value, label in (
                ("light", _("Theme: light")),
                ("dark", _("Theme: dark")),
                ("system", _("Theme: as the system")),
            )
        ),
        *(
            Deed(_("Language: %(name)s") % {"name": name}, language, post={"language": code})
            for code, name in settings.LANGUAGES
        ),
        Deed(_("Sign out"), reverse("console:logout"), post={"out": "1"}),
    ]
    return [Hit(_("Console"), deed.label, "", deed) for deed in commands if text in deed.label.lower()]


def _places(visit: Visit, text: str) -> list[Hit]:
    named = [
        (_("Create from Image"), "console:deployment-create"),
        (_("Create from YAML"), "console:yaml-create"),
        (_("Request a namespace"), "console:namespace-create"),
        (_("Create a Job"), "console:job-create"),
        (_("Create a CronJob"), "console:cronjob-create"),
        (_("Create a bare pod"), "console:pod-create"),
        (_("Create a claim"), "console:claim-create"),
        (_("Create a ConfigMap"), "console:configmap-create"),
        (_("Create a Secret"), "console:secret-create"),
        (_("Create a ServiceAccount"), "console:serviceaccount-create"),
        (_("Create an ELB"), "console:elb-create"),
        *(_for_administrators() if visit.identity.is_administrator else ()),
        (_("Change your password"), "console:password"),
        *((str(section.title), section.everywhere) for section in sections.SECTIONS),
        (_("Download a kubeconfig"), "console:kubeconfig"),
    ]
    return [
        Hit(pgettext("a page", "Go to"), label, "", Deed(label, url))
        for label, name in named
        if text in label.lower() and (url := _url(name)) and _may_create(visit, name)
    ]


def _for_administrators() -> list[tuple[str, str]]:
    return [
        (_("Create a user"), "console:user-create"),
        (_("Create a group"), "console:group-create"),
        (_("Create a policy"), "console:policy-create"),
    ]


def _may_create(visit: Visit, name: str) -> bool:
    """In one of the namespaces at least; what is no form that creates may be opened."""
    if name not in _CREATES:
        return True
    kinds = [kind for kind in _CREATES.values() if kind] if not _CREATES[name] else [_CREATES[name]]
    if any(visit.client.refusal("create", kind, None) is None for kind in kinds):
        return True
    spaces = [key.name for key in islice(lists.matching(visit.client, "Namespace", ""), _MOST_NAMESPACES)]
    return any(visit.client.refusal("create", kind, space) is None for kind in kinds for space in spaces)


def _namespaces(visit: Visit, text: str) -> Iterator[Hit]:
    for key in islice(lists.matching(visit.client, "Namespace", text), _EACH):
        url = reverse("console:namespace", kwargs={"namespace": key.name})
        yield Hit(_("Namespaces"), key.name, "", Deed(key.name, url))


def _objects(visit: Visit, text: str) -> Iterator[Place]:
    for kind in (*sections.PAGES, *sections.OF_ACCOUNT):
        with suppress(Forbidden):
            for key in islice(lists.matching(visit.client, kind, text), _EACH):
                yield Place(kind, key.namespace, key.name)


def _people(visit: Visit, text: str) -> Iterator[Hit]:
    """For those who may list them."""
    with suppress(NotAdministrator):
        for user in people.users(visit.identity, part=text, limit=_EACH):
            yield Hit(_("Users"), user.name, "", Deed(user.name, sections.page_of("User", "", user.name)))
        for group in people.groups(visit.identity, part=text, limit=_EACH):
            yield Hit(_("Groups"), group.name, "", Deed(group.name, sections.page_of("Group", "", group.name)))


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
