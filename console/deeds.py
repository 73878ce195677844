"""What the visitor may do with one object: for the palette, wherever one is. What is refused is not offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from console import sections
from workloads.client import JSON, Client
from workloads.kinds import registry
from workloads.meta.errors import StatusError

_STEMS = {name.removeprefix("console:"): kind for kind, name in {**sections.PAGES, **sections.OF_ACCOUNT}.items()}
"""How the names of the urls of one object begin -> its kind."""
_LOGGED = ("Deployment", "Job", "CronJob", "Pod")


@dataclass(frozen=True)
class Deed:
    """`url` is a page; with `asks` a question for the dialog; with `post` it is sent. `copies` is put on the
    clipboard instead."""

    label: str
    url: str = ""
    asks: bool = False
    post: Mapping[str, str] = field(default_factory=dict)
    copies: str = ""


@dataclass(frozen=True)
class Place:
    """An object of the account."""

    kind: str
    namespace: str
    name: str

    @property
    def noun(self) -> str:
        """`deployment/web`, as kubectl calls it."""
        return f"{registry.kind(self.kind).singular}/{self.name}"


def place_of(path: str) -> Place | None:
    """The object that a page of the console is about."""
    try:
        match = resolve(path)
    except Resolver404:
        return None
    name, namespace = match.kwargs.get("name", ""), match.kwargs.get("namespace", "")
    word = match.url_name or ""
    if word == "namespace" or word.startswith("namespace-"):
        return Place("Namespace", "", namespace) if namespace and not name else None
    kind = next((kind for stem, kind in _STEMS.items() if word == stem or word.startswith(f"{stem}-")), None)
    return Place(kind, namespace, name) if kind and name else None


def of(client: Client, place: Place) -> list[Deed]:
    """Nothing for what is not there, or may not be seen."""
    try:
        obj = client.get(place.kind, place.name, place.namespace)
    except StatusError:
        return []
    leaving = "deletionTimestamp" in obj["metadata"]
    found = [*_looks(client, place), *([] if leaving else _changes(client, place, obj)), *_commands(place)]
    return [deed for deed in found if deed.url or deed.copies]


def _looks(client: Client, place: Place) -> Iterator[Deed]:
    if url := sections.page_of(place.kind, place.namespace, place.name):
        yield Deed(_("Open"), url)
    stem = _stem(place.kind)
    if place.kind in _LOGGED and _may(client, "get", place, kind="Pod", part="log"):
        yield Deed(_("Logs"), _url(f"{stem}-logs", place))
    if place.kind == "Pod" and _may(client, "create", place, part="exec"):
        yield Deed(_("Terminal"), _url("pod-terminal", place))


def _changes(client: Client, place: Place, obj: JSON) -> Iterator[Deed]:
    stem, kind = _stem(place.kind), place.kind
    if kind == "Deployment" and _may(client, "patch", place):
        metadata = obj["metadata"]
        pick = f"{place.namespace}/{place.name}/{metadata['uid']}"
        yield Deed(
            _("Restart"), reverse("console:bulk", kwargs={"kind": kind}), True, {"pick": pick, "action": "restart"}
        )
    if kind == "Deployment" and _may(client, "patch", place, part="scale"):
        yield Deed(_("Scale"), _url("deployment-scale", place), asks=True)
    if kind in ("Job", "CronJob") and _may(client, "patch", place):
        word = _("Resume") if obj["spec"].get("suspend") else _("Suspend")
        yield Deed(word, _url(f"{stem}-suspend", place), asks=True)
    if kind == "CronJob" and _may(client, "create", place, kind="Job"):
        yield Deed(_("Run now"), _url("cronjob-run", place), asks=True)
    if kind in ("Deployment", "CronJob") and _may(client, "update", place):
        yield Deed(_("Edit"), _url(f"{stem}-edit", place))
    if kind in sections.EDITED and _may(client, "update", place):
        yield Deed(_("Edit YAML"), _edit(place))
    if _may(client, "delete", place):
        yield Deed(_("Delete"), _url(f"{stem}-delete", place), asks=True)


def _commands(place: Place) -> Iterator[Deed]:
    where = f"kubectl -n {place.namespace}" if place.namespace else "kubectl"
    yield Deed(_("Copy kubectl describe"), copies=f"{where} describe {place.noun}")
    yield Deed(_("Copy kubectl get -o yaml"), copies=f"{where} get {place.noun} -o yaml")
    if place.kind in ("Deployment", "Job", "Pod"):
        yield Deed(_("Copy kubectl logs"), copies=f"{where} logs -f {place.noun}")


def _may(client: Client, verb: str, place: Place, *, kind: str = "", part: str = "") -> bool:
    name = "" if kind or verb == "create" else place.name
    return client.refusal(verb, kind or place.kind, place.namespace or None, name=name, part=part) is None


def _stem(kind: str) -> str:
    return next((stem for stem, found in _STEMS.items() if found == kind), kind.lower())


def _url(name: str, place: Place) -> str:
    """ "" where the console has no such page for the kind."""
    where = {"namespace": place.namespace} if place.namespace else {}
    where = {"namespace": place.name} if place.kind == "Namespace" else {**where, "name": place.name}
    try:
        return reverse(f"console:{name}", kwargs=where)
    except NoReverseMatch:
        return ""


def _edit(place: Place) -> str:
    words = {"kind": place.kind, "name": place.name}
    if place.namespace:
        return reverse("console:namespaced-edit", kwargs={**words, "namespace": place.namespace})
    return reverse("console:edit", kwargs=words)
