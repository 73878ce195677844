"""Paged lists: what the query string asks for, read page by page from the front door, bounded at any number of objects.

What the store can choose by (labels, phase, a part of the name, how an object does, what kind made it) it chooses,
without reading what it leaves out; what only a rendered row knows is chosen here while pages are read, and reading
stops when a page of the list is full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console import bulk, columns, savedviews, sections
from console.access import Visit
from console.bulk import Offer
from console.columns import Table
from console.rows import Row
from console.sections import Words
from console.states import State
from workloads.client import EVERYTHING, JSON, Client, Listing, Sieve
from workloads.kinds import registry
from workloads.meta import selectors
from workloads.meta.errors import Expired
from workloads.meta.keys import Key
from workloads.meta.owners import owner_kind_of
from workloads.meta.selectors import SelectorError

PAGE = 50
WHOLE = 100
"""Up to so many, a list is one page and its filters say how many they find."""
CHUNK = 500
"""Objects read at a time, where no page of a list is made."""
_A_TIME = 200
"""Objects read at a time, where rows choose."""
_LOOKED_AT = 800
"""Objects read at most for one page: a filter that finds little says that it stopped looking."""

R = TypeVar("R", bound=Row)


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Stated(Protocol):
    @property
    def state(self) -> State: ...


LOOKS = {"": gettext_lazy("All"), "look": gettext_lazy("Needs a look")}
"""The filters of lists that have no others."""


@dataclass(frozen=True)
class Chip:
    """A filter as a link."""

    label: str
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True)
class Pager:
    sentence: str
    first: bool
    start: str
    next: str = ""


@dataclass(frozen=True)
class Query:
    """The query string, and links that change a part of it."""

    path: str
    values: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest, *names: str) -> Query:
        values = {name: request.GET.get(name, "").replace("\0", "").strip() for name in (*names, "continue")}
        return cls(request.path, {name: value for name, value in values.items() if value})

    @classmethod
    def of_list(cls, request: HttpRequest, *names: str) -> Query:
        """With what every list of objects understands: a part of the name, labels, a namespace, the columns."""
        query = cls.of(request, *names, "q", "label", "namespace")
        chosen = ",".join(one for one in request.GET.getlist("columns") if one).replace("\0", "")
        return cls(query.path, {**query.values, "columns": chosen} if chosen else query.values)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def unfiltered(self) -> Query:
        """Without a state and a part of the name: of a list that is all here, what they choose is counted."""
        return Query(self.path, {name: value for name, value in self.values.items() if name not in ("state", "q")})

    @property
    def text(self) -> str:
        """The query string of the first page."""
        return urlencode({name: value for name, value in self.values.items() if name != "continue"})

    def with_(self, **changes: str) -> str:
        """The address with `changes`, on the first page again. An empty value leaves the name out."""
        values = {name: value for name, value in {**self.values, "continue": "", **changes}.items() if value}
        return f"{self.path}?{urlencode(values)}" if values else self.path

    def following(self, token: str) -> str:
        """The address of the page after this one."""
        return f"{self.path}?{urlencode({**self.values, 'continue': token})}"

    def chip(self, name: str, value: str, label: str, *, count: int | None = None) -> Chip:
        return Chip(label, self.with_(**{name: value}), self.get(name) == value, count)


@dataclass(frozen=True)
class Shelf(Generic[R]):
    """One page of rows."""

    rows: list[R]
    pager: Pager


@dataclass(frozen=True)
class Source(Generic[R]):
    """All that a list of one kind shows: for its pages, and for its file."""

    read: Callable[[int, str], Listing]
    row: Callable[[JSON], R]
    wanted: Callable[[R], bool] | None = None
    many: Callable[[Sequence[JSON]], list[R]] | None = None
    """Rows of many objects at once, where that asks the store less often than one after the other."""
    takes: Callable[[JSON], bool] = lambda obj: True
    """Whether `read` would list an object, as far as the object itself says it."""

    def rows(self, items: Sequence[JSON]) -> list[R]:
        return [self.row(item) for item in items] if self.many is None else self.many(items)

    def every(self) -> Iterator[list[R]]:
        """All rows, some at a time."""
        token = ""
        while True:
            listing = self.read(CHUNK, token)
            rows = self.rows(listing.items)
            yield rows if self.wanted is None else [row for row in rows if self.wanted(row)]
            token = listing.continue_token
            if not token:
                return


@dataclass(frozen=True)
class SavedLink:
    name: str
    url: str
    current: bool


@dataclass(frozen=True)
class Tools:
    """What stands beside the filters of a list of objects."""

    kind: str
    query: Query
    table: Table
    csv: str
    active: tuple[Chip, ...]
    """The filters that are on and have no chip of their own; the links take them off."""
    views: tuple[SavedLink, ...]
    problem: str
    """What is wrong with the labels; "" for nothing."""
    everywhere: bool
    """Whether the list spans namespaces, and one can be chosen."""


def reader(
    visit: Visit, kind: str, query: Query, *, field_selector: str = "", chosen: Sieve = EVERYTHING
) -> Callable[[int, str], Listing]:
    """Pages of objects by what the store chooses by: namespace, labels, a part of the name, `field_selector`, and what
    is `chosen`."""
    scope = visit.scope or query.get("namespace") or None
    is_unreadable = bool(label_problem(query))
    chosen = replace(chosen, name_part=query.get("q").lower())

    def read(limit: int, token: str) -> Listing:
        if is_unreadable:
            return Listing([], 0)
        return visit.client.list(
            kind,
            scope,
            label_selector=query.get("label"),
            field_selector=field_selector,
            limit=limit,
            continue_token=token,
            chosen=chosen,
        )

    return read


def taker(visit: Visit, kind: str, query: Query, *, chosen: Sieve = EVERYTHING) -> Callable[[JSON], bool]:
    """What `reader` lists, told of one object."""
    scope, part = visit.scope or query.get("namespace"), query.get("q").lower()
    labels = None if label_problem(query) else selectors.parse(query.get("label"))

    def takes(obj: JSON) -> bool:
        metadata, facts = obj["metadata"], registry.kind(kind).facts(obj)
        return (
            labels is not None
            and scope in (None, "", metadata.get("namespace", ""))
            and part in metadata["name"]
            and labels.matches(metadata.get("labels") or {})
            and (not chosen.phases or facts.phase in chosen.phases)
            and (not chosen.health or facts.health in chosen.health)
            and (not chosen.owner_kinds or owner_kind_of(metadata) in chosen.owner_kinds)
        )

    return takes


def label_problem(query: Query) -> str:
    """What is wrong with the labels that are asked for, at their field; "" for nothing. No object is like that."""
    try:
        selectors.parse(query.get("label"))
    except SelectorError as error:
        said = _("%(why)s. Write labels as app=web, tier!=test or track in (stable, canary), with commas between them.")
        words = str(error).rstrip(".")
        return said % {"why": words[:1].upper() + words[1:]}
    return ""


def tools(visit: Visit, kind: str, query: Query) -> dict[str, Any]:
    """For the templates: `tools`, and the `table` that says which columns are shown."""
    table = columns.table(kind, query.get("columns"))
    asked = {**query.values, "continue": "", "in": visit.namespace}
    active = [("namespace", _("namespace: %(value)s")), ("label", _("label: %(value)s")), ("q", _("name: %(value)s"))]
    made = Tools(
        kind=kind,
        query=query,
        table=table,
        csv=f"{reverse('console:list-csv', kwargs={'kind': kind})}?{urlencode({k: v for k, v in asked.items() if v})}",
        active=tuple(
            Chip(words % {"value": query.get(name)}, query.with_(**{name: ""}), current=True)
            for name, words in active
            if query.get(name)
        ),
        views=tuple(
            SavedLink(one.name, f"{query.path}?{one.query}" if one.query else query.path, one.query == query.text)
            for one in savedviews.of(visit.user, kind)
        ),
        problem=label_problem(query),
        everywhere=not visit.namespace,
    )
    return {"tools": made, "table": table}


def shown(visit: Visit, kind: str, query: Query, shelf: Shelf[Any], *, total: int | None = None) -> dict[str, Any]:
    """What every page with a list of objects shows; `total` where it is known already."""
    return {
        "section": sections.BY_KIND[kind].name,
        "query": query,
        "rows": shelf.rows,
        "pager": shelf.pager,
        "bulk": offered(visit, kind, shelf.rows),
        "total": visit.client.count(kind, visit.scope) if total is None else total,
        **tools(visit, kind, query),
    }


def chips(
    query: Query,
    labels: Mapping[str, Words],
    everything: list[R] | None = None,
    filters: Mapping[str, Callable[[R], bool] | None] | None = None,
) -> list[Chip]:
    """By state; of a list that is all here, each with how many `filters` choose."""
    counts = {value: count(everything, chosen) for value, chosen in (filters or {}).items()}
    return [query.chip("state", value, str(label), count=counts.get(value)) for value, label in labels.items()]


def looks(query: Query) -> Callable[[Stated], bool] | None:
    """What a list of `LOOKS` is to show, as its rows say it."""
    return _needs_a_look if query.get("state") == "look" else None


def shelf(query: Query, source: Source[R]) -> Shelf[R]:
    """The page that is asked for. An outdated token starts over."""
    try:
        return _shelf(query, source, query.get("continue"))
    except Expired:
        return _shelf(query, source, "")


def named(query: Query, rows: Sequence[Named], *, more: bool) -> Pager:
    """Of a list by name, whose next page begins behind the last row here; `more` says whether there is one."""
    sentence = ngettext("%(count)s shown", "%(count)s shown", len(rows)) % {"count": len(rows)}
    following = query.following(rows[-1].name) if more else ""
    return Pager(sentence, not query.get("continue"), query.with_(), following)


def whole(source: Source[R], *, total: int, most: int = WHOLE) -> list[R] | None:
    """All rows, where they are few enough to be counted by what only a row knows; None where they are not."""
    if total > most:
        return None
    listing = source.read(most, "")
    return None if listing.continue_token else source.rows(listing.items)


def small(query: Query, rows: list[R], *, wanted: Callable[[R], bool] | None) -> Shelf[R]:
    """A list that is all here."""
    part = query.get("q").lower()
    shown = [row for row in rows if part in row.name and (wanted is None or wanted(row))]
    return Shelf(shown, Pager("", first=True, start=query.path))


def count(everything: list[R] | None, chosen: Callable[[R], bool] | None) -> int | None:
    """How many of `everything` a filter chooses; None where not all are here."""
    if everything is None:
        return None
    return len(everything) if chosen is None else sum(1 for row in everything if chosen(row))


def every(client: Client, kind: str, *, chosen: Sieve = EVERYTHING) -> Iterator[JSON]:
    """All objects of the account that are `chosen`, read in chunks."""
    token = ""
    while True:
        listing = client.list(kind, limit=CHUNK, continue_token=token, chosen=chosen)
        yield from listing.items
        token = listing.continue_token
        if not token:
            return


def offered(visit: Visit, kind: str, rows: Sequence[Row]) -> Offer | None:
    """What the visitor may do with several of `rows` at once."""
    return bulk.offer(visit.client, kind, {visit.namespace} if visit.namespace else {row.namespace for row in rows})


def matching(client: Client, kind: str, name_part: str) -> Iterator[Key]:
    """Of the account's objects, those whose name contains `name_part`, read as far as somebody wants them."""
    token, account = "", client.identity.account
    while True:
        page = client.list(kind, limit=PAGE, continue_token=token, chosen=Sieve(name_part=name_part))
        for metadata in (item["metadata"] for item in page.items):
            yield Key(account, kind, metadata.get("namespace", ""), metadata["name"])
        token = page.continue_token
        if not token:
            return


def _needs_a_look(row: Stated) -> bool:
    return row.state.needs_a_look


def _shelf(query: Query, source: Source[R], token: str) -> Shelf[R]:
    rows: list[R] = []
    first, looked_at, remaining = not token, 0, 0
    while True:
        listing = source.read(PAGE if source.wanted is None else _A_TIME, token)
        chosen, used = _chosen(source, listing, most=PAGE - len(rows))
        if used < len(listing.items):
            listing = source.read(used, token)  # once more, to end where the page does
        rows += chosen
        looked_at += used
        token, remaining = listing.continue_token, listing.remaining
        if not token or len(rows) >= PAGE or looked_at >= _LOOKED_AT:
            break
    next_page = query.following(token) if token else ""
    sentence = _sentence(len(rows), remaining, exact=source.wanted is None)
    return Shelf(rows, Pager(sentence, first, query.with_(), next_page))


def _chosen(source: Source[R], listing: Listing, *, most: int) -> tuple[list[R], int]:
    """The rows that a page shows of a listing, and how many objects were looked at for them."""
    rows = source.rows(listing.items)
    if source.wanted is None:
        return rows[:most], min(len(rows), most)
    chosen: list[R] = []
    for number, one in enumerate(rows):
        chosen += [one] if source.wanted(one) else []
        if len(chosen) == most:
            return chosen, number + 1
    return chosen, len(rows)


def _sentence(shown: int, remaining: int, *, exact: bool) -> str:
    text = ngettext("%(count)s shown", "%(count)s shown", shown) % {"count": shown}
    if not remaining:
        return text
    if exact:
        after = ngettext("%(shown)s, %(count)s after it", "%(shown)s, %(count)s after them", remaining)
    else:
        after = ngettext(
            "%(shown)s, %(count)s after it to look through",
            "%(shown)s, %(count)s after them to look through",
            remaining,
        )
    return after % {"shown": text, "count": remaining}
