"""A page is a template and a function that says what is on it; the socket and the browser's GET share both.

    @page("pods/list.html", kinds=("Pod",))
    def pod_list(visit: Visit) -> Context: ...

`kinds` is what the page shows: a change of one of them in its namespace makes the socket compute the page again and
send the regions (`{% live %}` in the template) that came out differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve

from billing import client as billing
from console import frame
from console.access import Visit, guarded, open_visit
from console.iamrefusals import status_of
from console.live.quick import Quick
from iam.errors import IamError

Context = dict[str, Any]
Describe = Callable[Concatenate[Visit, ...], Context]


@dataclass(frozen=True)
class Page:
    """`describe(visit, **url_kwargs)` gives the template's context; raises StatusError."""

    template: str
    describe: Describe
    kinds: tuple[str, ...]
    quick: Quick | None = None
    """What a change alone can show anew; see `console.live.quick`."""

    def context(self, visit: Visit, kwargs: Mapping[str, Any]) -> Context:
        try:
            return {"visit": visit, "frame": frame.of(visit), **self.describe(visit, **kwargs)}
        except IamError as refusal:
            raise status_of(refusal) from None


def page(
    template: str, *, kinds: tuple[str, ...] = (), quick: Quick | None = None
) -> Callable[[Describe], Callable[..., Any]]:
    """Makes a view of a describing function. The frame's own kinds, which the rail counts, are always followed."""

    def decorate(describe: Describe) -> Callable[..., Any]:
        made = Page(template, describe, tuple(dict.fromkeys((*frame.KINDS, *kinds))), quick)

        @guarded("GET")
        def view(visit: Visit, **kwargs: Any) -> HttpResponse:
            with billing.one_price_list():
                return render(visit.request, made.template, made.context(visit, kwargs))

        view.__name__, view.__doc__, view.__module__ = describe.__name__, describe.__doc__, describe.__module__
        view.page = made  # type: ignore[attr-defined]
        return view

    return decorate


@dataclass(frozen=True)
class Place:
    """A page with the arguments of its url."""

    page: Page
    kwargs: Mapping[str, Any]

    @property
    def namespace(self) -> str:
        return str(self.kwargs.get("namespace", ""))

    def visit(self, request: HttpRequest) -> Visit:
        """Opened anew, so that a session that ended or a namespace that went is noticed."""
        return open_visit(request, namespace=self.namespace)

    def render_context(self, request: HttpRequest) -> Context:
        return self.page.context(self.visit(request), self.kwargs)


FRAME = Page("frame.html", lambda visit, **kwargs: {}, frame.KINDS)
"""What can be followed of a page that is a form: only what stands around it."""


def place_of(path: str) -> Place | None:
    """The page behind `path` (no query string), or None when there is none that can be followed."""
    match = resolve(path)
    found = getattr(match.func, "page", None)
    if isinstance(found, Page):
        return Place(found, match.kwargs)
    return Place(FRAME, match.kwargs) if getattr(match.func, "guarded", False) else None
