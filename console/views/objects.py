"""What the pages of one object have alike, whatever its kind: the tabs Events and YAML, the drawer, and the question
before it is deleted. What differs is said once, in the kind's own module, as a `Noun`:

    NETWORK = Noun("Network", "networks", _shown)
    events = objects.events(NETWORK)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from console import frame, happenings, manifests, sections
from console.access import View, Visit, guarded
from console.happenings import Happening
from console.pages import Context, page
from console.sections import Words
from console.views import asked
from workloads.client import JSON, DeleteOptions

More = Callable[[Visit, Context], Context]


def _of_itself(visit: Visit, common: Context) -> list[Happening]:
    return happenings.of(visit.client, common["row"].obj)


def _nothing(visit: Visit, common: Context) -> Context:
    return {}


def _as_it_is(obj: JSON) -> JSON:
    return obj


@dataclass(frozen=True)
class Noun:
    """A kind as the console speaks of it and shows it. Templates have it as `noun`."""

    kind: str
    folder: str
    """Of its templates; `frame.html` there stands around its tabs."""
    shown: Callable[[Visit, str, str], Context]
    """What a tab shows of the object of a name, its `row` at least: `shown(visit, name, tab)`."""
    events: Callable[[Visit, Context], list[Happening]] = _of_itself
    """Those of its tab, its drawer and its overview."""
    mixed: bool = False
    """Whether `events` are of several objects, and name them."""

    @property
    def section(self) -> str:
        return sections.BY_KIND[self.kind].name

    @property
    def page(self) -> str:
        """The name of the url of one, from which those of its other pages begin."""
        return {**sections.PAGES, **sections.OF_ACCOUNT}[self.kind]

    @property
    def list_page(self) -> str:
        """The name of the url of those in one namespace."""
        return sections.BY_KIND[self.kind].here

    def on(self, visit: Visit, name: str, tab: str) -> Context:
        """What stands on a tab of an object, whichever it is."""
        around = {"section": self.section, "tab": tab, "noun": self, "frame_template": f"{self.folder}/frame.html"}
        return {**around, **self.shown(visit, name, tab)}


def events(noun: Noun, *followed: str) -> View:
    """`followed` are kinds beside its own whose changes the page shows."""

    @page("events.html", kinds=(noun.kind, *followed, "Event"))
    def events(visit: Visit, *, name: str, namespace: str = "") -> Context:
        common = noun.on(visit, name, "events")
        return {**common, "events": noun.events(visit, common), "mixed": noun.mixed}

    return events


def manifest(noun: Noun, *, without: Callable[[JSON], JSON] = _as_it_is) -> View:
    """The tab YAML, of what `without` leaves of the object."""

    @page("yaml.html", kinds=(noun.kind,))
    def manifest(visit: Visit, *, name: str, namespace: str = "") -> Context:
        common = noun.on(visit, name, "yaml")
        return {**common, "yaml": manifests.coloured(manifests.text(without(common["row"].obj)))}

    return manifest


def peek(noun: Noun, *followed: str, more: More = _nothing) -> View:
    """The side drawer."""

    @page(f"{noun.folder}/peek.html", kinds=(noun.kind, *followed))
    def peek(visit: Visit, *, namespace: str, name: str) -> Context:
        common = noun.on(visit, name, "overview")
        return {**common, "events": noun.events(visit, common)[:5], **more(visit, common)}

    return peek


def deletion(
    noun: Noun,
    said: Words,
    *,
    more: More = _nothing,
    word: str = "",
    propagation: Literal["Foreground"] | None = None,
) -> View:
    """Asks for the object's name, or for `word`; `said` is what is said of `%(name)s` afterwards. `more` is what its
    question says beside what every tab shows."""

    @guarded("GET", "POST")
    def delete(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
        visit.client.require("delete", noun.kind, namespace)
        common = noun.on(visit, name, "overview")
        if asked.is_sure(visit, word or name):
            options = DeleteOptions(uid=common["row"].uid, propagation=propagation)
            visit.client.delete(noun.kind, name, namespace, options=options)
            messages.success(visit.request, said % {"name": name, "kind": noun.kind})
            return redirect(noun.list_page, namespace=namespace)
        context = {**common, **more(visit, common), "word": word or name, "visit": visit, "frame": frame.of(visit)}
        return render(visit.request, f"{noun.folder}/delete.html", context, status=asked.status(visit))

    return delete
