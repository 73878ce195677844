"""Prices: what is in force, the history, what comes; the calculator; and for who runs the installation a new price with
its effect, withdrawal, and CSV."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import client as billing
from billing.client import (
    Effect,
    ImportRefused,
    NoPrice,
    NotOffered,
    PriceEntry,
    PriceImport,
    PriceRefused,
    Quote,
    Rate,
)
from console import frame
from console.access import Visit, guarded
from console.forms.drafts import FieldError, by_field, text
from console.forms.prices import FREE, PriceDraft, Question, cards_of, value_of
from console.lists import Query
from console.lowerwords import said
from console.pages import Context, page
from console.states import State, Tone
from console.views import asked, create
from iam import operators
from workloads.kinds.grids import FLAVORS, Specification

SECTION = "prices"
_TONES: dict[str, Tone] = {"past": "idle", "in force": "ok", "coming": "busy"}


@dataclass(frozen=True)
class EntryRow:
    entry: PriceEntry

    @property
    def state(self) -> State:
        words = {"past": _("Past"), "in force": _("In force"), "coming": _("Coming")}
        return State(words[self.entry.state], tone=_TONES[self.entry.state])

    @property
    def item(self) -> str:
        return item_words(self.entry.item)

    @property
    def rate(self) -> Rate:
        return Rate(self.entry.currency, self.entry.amount)

    @property
    def always(self) -> bool:
        """In force since before there was anything to bill."""
        return self.entry.effective_from.year <= 1970


def item_words(item: str) -> str:
    return {"vcpu": _("core (vcpu)"), "memory": _("GiB (memory)")}.get(item, item)


@page("prices/list.html")
def price_list(visit: Visit) -> Context:
    query = Query.of(visit.request, "region", "item", "state")
    regions = billing.regions()
    region = query.get("region") or regions[0]
    rows = [EntryRow(one) for one in billing.price_history(region)]
    states = {one.entry.state for one in rows}
    wanted = [one for one in rows if query.get("state") in ("", one.entry.state)]
    return {
        "section": SECTION,
        "tab": "list",
        "query": query,
        "region": region,
        "regions": [query.chip("region", "" if one == regions[0] else one, one) for one in regions],
        "force": [
            (one.flavor, [(EntryRow(held), EntryRow(coming) if coming else None) for _item, held, coming in one.prices])
            for one in billing.prices_in_force(region)
        ],
        "rows": wanted,
        "states": [query.chip("state", *one) for one in _state_chips() if one[0] in ("", *states)],
        "may_write": operators.is_operator(visit.identity),
        "export_url": reverse("console:price-export") + "?" + urlencode({"region": region}),
    }


@guarded("GET")
def export(visit: Visit) -> HttpResponse:
    """What an import takes."""
    region = text(visit.request.GET, "region")
    answer = HttpResponse(billing.export_prices(region), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="prices.csv"'
    return answer


@guarded("GET", "POST")
def price_add(visit: Visit) -> HttpResponse:
    """While one types the effect of the price is shown; saved is it by the button alone."""
    billing.admit_to_prices(visit.identity, "cci:price:create")
    posted = visit.request.POST
    draft = PriceDraft.read(posted or visit.request.GET)
    errors, effect = list[FieldError](), None
    if posted:
        errors, effect = _effect(visit, draft)
    if posted.get("go") == "submit" and not errors:
        try:
            made = billing.add_price(visit.identity, draft.draft())
        except PriceRefused as refused:
            errors = [FieldError(*one) for one in refused.fields.items()]
        else:
            messages.success(
                visit.request, _("The price of %(item)s is in the list.") % {"item": item_words(made.item)}
            )
            return redirect(_list_of(made.region))
    context = {
        "draft": draft,
        "focus": "amount",
        "effect": effect,
        "said": errors if posted.get("go") == "look" and draft.amount else [],
        "items": [
            (item, item_words(item)) for item in dict.fromkeys((*billing.priced_items(draft.region), draft.item))
        ],
        "flavors": [("", _("every flavor without a price of its own")), *((one, one) for one in FLAVORS)],
        "regions": billing.regions(),
    }
    return create.form(visit, "prices/add.html", SECTION, context, errors if posted.get("go") == "submit" else [])


price_add.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def withdraw(visit: Visit, *, number: int) -> HttpResponse:
    billing.admit_to_prices(visit.identity, "cci:price:delete")
    entry = billing.price_entry(number)
    row, refusal = EntryRow(entry), ""
    if asked.is_sure(visit, entry.item):
        try:
            billing.withdraw_price(visit.identity, number)
        except PriceRefused as refused:
            refusal = str(refused)
        else:
            messages.success(visit.request, _("The price of %(item)s was withdrawn.") % {"item": row.item})
            return redirect(_list_of(entry.region))
    around = {"visit": visit, "frame": frame.of(visit), "section": SECTION}
    asks = {"word": entry.item, "stays": entry.state != "coming", "back": _list_of(entry.region)}
    context = {**around, **asks, "row": row, "refusal": refusal}
    return render(visit.request, "prices/withdraw.html", context, status=409 if refusal else asked.status(visit))


@guarded("GET", "POST")
def price_import(visit: Visit) -> HttpResponse:
    billing.admit_to_prices(visit.identity, "cci:price:create")
    posted, read = visit.request.POST, PriceImport()
    csv, errors = _csv(visit)
    if posted and not errors:
        read = billing.preview_import(visit.identity, csv)
    if posted.get("go") == "submit" and not errors and not read.troubles:
        try:
            done = billing.import_prices(visit.identity, csv)
        except ImportRefused as refused:
            read = PriceImport(troubles=refused.troubles)
        else:
            messages.success(visit.request, _import_words(done))
            return redirect("console:prices")
    context = {
        "csv": csv,
        "read": read,
        "seen": bool(posted) and not errors,
        "words": _import_words(read),
        "focus": "csv",
    }
    if read.troubles:
        said = ngettext(
            "%(count)s line cannot be taken: nothing was imported.",
            "%(count)s lines cannot be taken: nothing was imported.",
            len(read.troubles),
        )
        errors = [FieldError("csv", said % {"count": len(read.troubles)})]
    return create.form(visit, "prices/import.html", SECTION, context, errors)


price_import.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET")
def calculator(visit: Visit) -> HttpResponse:
    """The question stands in the address, so that a link keeps it."""
    question = Question.read(visit.request.GET)
    offers = billing.specifications(question.flavor, question.region)
    errors, found = question.problems(), None
    nearest: list[tuple[str, str, Rate | None]] = []
    if not offers and not question.is_free:
        errors.append(FieldError("size", _("Nothing of this flavor has a price in this region.")))
    if not errors:
        try:
            found = _quote(question, [one for one, _rate in offers])
        except NoPrice as unpriced:
            errors.append(FieldError("size", str(unpriced)))
        except NotOffered as refused:
            errors.append(FieldError("cpu", _sentence(refused.rules)))
            nearest = [(said(str(one)), _address(question, one), rate) for one, rate in refused.nearest]
    picked = question.size or (value_of(offers[0][0]) if offers else FREE)
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": SECTION,
        "tab": "calculator",
        "question": question,
        "errors": by_field(errors),
        "quote": found,
        "parts": [(item_words(one.item), one) for one in found.parts] if found else [],
        "nearest": nearest,
        "picked": picked,
        "sizes": [(value_of(one), said(str(one))) for one, _rate in offers] + [(FREE, _("choose freely"))],
        "regions": [(one, one) for one in dict.fromkeys((*billing.regions(), question.region))],
        "flavors": FLAVORS,
        "cards": [("", _("no card")), *((one, one) for one in cards_of(question.flavor))],
        "units": [(unit, _unit_words()[unit]) for unit in billing.UNITS],
        "command": _command(visit, found) if found else "",
    }
    return render(visit.request, "prices/calculator.html", context)


calculator.page = create.form_page(SECTION)  # type: ignore[attr-defined]


def _quote(question: Question, offered: list[Specification]) -> Quote:
    return billing.quote(
        question.region,
        question.flavor,
        question.asked(offered),
        pods=int(question.pods),
        duration=question.span,
        starts=datetime.now(UTC).replace(microsecond=0),
    )


def _effect(visit: Visit, draft: PriceDraft) -> tuple[list[FieldError], Effect | None]:
    if errors := draft.problems():
        return errors, None
    try:
        return [], billing.preview_price(visit.identity, draft.draft())
    except PriceRefused as refused:
        return [FieldError(*one) for one in refused.fields.items()], None


def _csv(visit: Visit) -> tuple[str, list[FieldError]]:
    """A file takes the place of the text."""
    file = visit.request.FILES.get("file")
    if file is None:
        return visit.request.POST.get("csv", "").replace("\r\n", "\n"), []
    try:
        return file.read(2 * 1024 * 1024).decode(), []
    except UnicodeDecodeError:
        return "", [FieldError("file", _("This is no text in UTF-8. Save the table as CSV UTF-8."))]


def _import_words(read: PriceImport) -> str:
    counts = {"added": len(read.added), "replaced": len(read.replaced), "unchanged": read.unchanged}
    return _("%(added)s added, %(replaced)s replaced, %(unchanged)s unchanged.") % counts


def _list_of(region: str) -> str:
    return reverse("console:prices") + "?" + urlencode({"region": region})


def _address(question: Question, one: Specification) -> str:
    """The same question of another size."""
    asked = {name: getattr(question, name) for name in ("region", "flavor", "pods", "duration", "unit")}
    size = {"size": FREE, "cpu": f"{one.cpu_millis / 1000:g}", "memory": str(one.memory_gib)}
    cards = {"gpu": one.gpu, "gpus": str(one.gpus)} if one.gpus else {}
    return reverse("console:calculator") + "?" + urlencode({**asked, **size, **cards})


def _command(visit: Visit, found: Quote) -> str:
    one = found.specification
    asked = {"region": found.region, "flavor": found.flavor, "cpu": f"{one.cpu_millis / 1000:g}"}
    asked |= {"memory": str(one.memory_gib), "pods": str(found.pods), "duration": str(found.seconds), "unit": "seconds"}
    asked |= {"gpu": one.gpu, "gpus": str(one.gpus)} if one.gpus else {}
    url = visit.request.build_absolute_uri(reverse("rest-calculator")) + "?" + urlencode(asked)
    return f'curl -H "Authorization: Bearer $TOKEN" \\\n  {shlex.quote(url)}'


def _sentence(rules: str) -> str:
    return f"{rules[:1].upper()}{rules[1:]}".rstrip(".") + "."


def _state_chips() -> Iterable[tuple[str, str]]:
    return [("", _("All")), ("in force", _("In force")), ("coming", _("Coming")), ("past", _("Past"))]


def _unit_words() -> dict[str, str]:
    return {
        "seconds": _("seconds"),
        "minutes": _("minutes"),
        "hours": _("hours"),
        "days": _("days"),
        "months": _("months of 30 days"),
    }
