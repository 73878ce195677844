"""The grid of pod specifications: what can be had, since when and until when; and for who runs the installation another
row, a change of one, and its end, each shown with its effect before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billing import client as billing
from billing.client import GridEffect
from console import frame
from console.access import Visit, guarded
from console.forms.drafts import FieldError, text
from console.forms.specifications import RowDraft, moment_of, moment_problems, sentence
from console.lists import Query
from console.lowerwords import said
from console.pages import Context, page
from console.states import State, Tone
from console.views import asked, create
from console.views.prices import SECTION
from iam import operators
from workloads.client import (
    GridRefused,
    NoSuchRow,
    Numbered,
    grid_changes,
    pod_specification_row,
    pod_specification_rows,
    pod_specifications,
)
from workloads.kinds import grids, gridtexts
from workloads.kinds.grids import FLAVORS, Row

_TONES: dict[str, Tone] = {"past": "idle", "in force": "ok", "coming": "busy"}
_NOWHERE = ("", "number")
"""What is wrong with no field of the form stands above it."""


@dataclass(frozen=True)
class RowLine:
    """A row of the table."""

    one: Numbered
    now: datetime

    @property
    def number(self) -> int:
        return self.one.number

    @property
    def standing(self) -> str:
        return self.one.state(self.now)

    @property
    def state(self) -> State:
        words = {"past": _("Past"), "in force": _("In force"), "coming": _("Coming")}
        return State(words[self.standing], tone=_TONES[self.standing])

    @property
    def fields(self) -> dict[str, str]:
        return gridtexts.fields_of(self.one.row)

    @property
    def cpu(self) -> str:
        """`0.25-32`; `48`."""
        return self.fields["cpu"]

    @property
    def is_span(self) -> bool:
        return self.one.row.min_cpu_millis != self.one.row.max_cpu_millis

    @property
    def always(self) -> bool:
        return self.one.since.year <= 1970

    @property
    def ends(self) -> bool:
        """It is in force and will not be for ever."""
        return self.standing == "in force" and self.one.until is not None


@page("prices/specifications.html")
def specification_list(visit: Visit) -> Context:
    query = Query.of(visit.request, "state", "flavor")
    now = datetime.now(UTC)
    rows = [RowLine(one, now) for one in pod_specification_rows()]
    wanted, flavor = query.get("state") or "in force", query.get("flavor")
    rule = gridtexts.rule_fields(pod_specifications().containers)
    return {
        "section": SECTION,
        "tab": "specifications",
        "query": query,
        "rows": [one for one in rows if wanted in ("all", one.standing) and flavor in ("", one.one.row.flavor)],
        "states": [query.chip("state", *chip) for chip in _state_chips()],
        "flavors": [query.chip("flavor", "", _("All")), *(query.chip("flavor", one, one) for one in FLAVORS)],
        "rule": rule,
        "may_write": operators.is_operator(visit.identity),
    }


@guarded("GET", "POST")
def specification_add(visit: Visit) -> HttpResponse:
    grid_changes.admit(visit.identity, grid_changes.CREATE)
    return _form(visit, None)


@guarded("GET", "POST")
def specification_change(visit: Visit, *, number: int) -> HttpResponse:
    """Another row in the place of this one, from a time on."""
    grid_changes.admit(visit.identity, grid_changes.UPDATE)
    return _form(visit, _found(number))


specification_add.page = create.form_page(SECTION)  # type: ignore[attr-defined]
specification_change.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def specification_end(visit: Visit, *, number: int) -> HttpResponse:
    """Ends a row, withdraws a coming one, or takes back that one will end."""
    grid_changes.admit(visit.identity, grid_changes.DELETE)
    line, refusal, status = RowLine(_found(number), datetime.now(UTC)), "", asked.status(visit)
    typed = text(visit.request.POST, "since")
    keep, word = visit.request.POST.get("go") == "keep", asked.WORD
    if keep or asked.is_sure(visit, word):
        if moment_problems(typed):
            refusal, status = moment_problems(typed)[0].message, 422
        else:
            try:
                done = _ended(visit, line, keep=keep, since=moment_of(typed))
            except GridRefused as refused:
                refusal, status = said(str(refused)), 409
            else:
                messages.success(visit.request, done)
                return redirect("console:specifications")
    around = {"visit": visit, "frame": frame.of(visit), "section": SECTION}
    effect = _effect_of(line.one, None, line.one.since if line.standing == "coming" else None)
    context = {**around, "line": line, "refusal": refusal, "effect": effect, "since": typed, "word": word}
    return render(visit.request, "prices/specification_end.html", context, status=status)


def _ended(visit: Visit, line: RowLine, *, keep: bool, since: datetime | None) -> str:
    """What was done, in words. Raises GridRefused."""
    if keep:
        row = grid_changes.keep(visit.identity, line.number)
        return _("%(row)s stays.") % {"row": said(str(row))}
    row = grid_changes.remove(visit.identity, line.number, since=since)
    if line.standing == "coming":
        return _("%(row)s will not come.") % {"row": said(str(row))}
    return _("%(row)s ends.") % {"row": said(str(row))}


def _form(visit: Visit, old: Numbered | None) -> HttpResponse:
    """While one types the effect is shown; saved is it by the button alone."""
    posted = visit.request.POST
    draft = RowDraft.read(posted) if posted or old is None else RowDraft.of(old)
    errors, effect = list[FieldError](), None
    if posted:
        errors = _problems(draft)
        effect = None if errors else _effect_of(old, draft.row(), moment_of(draft.since))
    if posted.get("go") == "submit" and not errors:
        try:
            made = _saved(visit, old, draft)
        except GridRefused as refused:
            told = refused.fields.items()
            errors = [FieldError("" if field in _NOWHERE else field, said(text)) for field, text in told]
        else:
            messages.success(visit.request, _("%(row)s is in the table.") % {"row": said(str(made.row))})
            return redirect("console:specifications")
    context = {
        "draft": draft,
        "old": RowLine(old, datetime.now(UTC)) if old else None,
        "focus": "cpu",
        "effect": effect,
        "said": errors if posted.get("go") == "look" and draft.cpu and draft.memory else [],
        "flavors": [(one, one) for one in FLAVORS],
        "cards": sorted({*grids.GPUS, *(row.gpu for row in pod_specifications().rows if row.gpu)}),
    }
    submitted = errors if posted.get("go") == "submit" else []
    return create.form(visit, "prices/specification.html", SECTION, context, submitted)


def _problems(draft: RowDraft) -> list[FieldError]:
    """What cannot be read, or breaks a rule."""
    if found := draft.problems():
        return found
    return [FieldError(one.field, sentence(one.said)) for one in grids.row_problems(draft.row())]


def _saved(visit: Visit, old: Numbered | None, draft: RowDraft) -> Numbered:
    """Raises GridRefused."""
    since = moment_of(draft.since)
    if old is None:
        return grid_changes.add(visit.identity, draft.row(), since=since)
    return grid_changes.change(visit.identity, old.number, draft.row(), since=since)


def _effect_of(old: Numbered | None, row: Row | None, since: datetime | None) -> GridEffect:
    """Against what would be in force then without it."""
    at = max(since or datetime.now(UTC), datetime.now(UTC))
    before = [one for one in pod_specification_rows() if one.state(at) == "in force" or one == old]
    after = [one.row for one in before if old is None or one.number != old.number]
    return billing.grid_effect([one.row for one in before], [*after, *([row] if row else [])], row)


def _found(number: int) -> Numbered:
    try:
        return pod_specification_row(number)
    except NoSuchRow:
        raise Http404 from None


def _state_chips() -> Sequence[tuple[str, str]]:
    return [("", _("In force")), ("coming", _("Coming")), ("past", _("Past")), ("all", _("All"))]
