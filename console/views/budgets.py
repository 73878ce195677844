"""Budgets: the list, one with its history, the forms, and the way back from what one has suspended."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billing import client as billing
from console import frame
from console.access import Visit, guarded
from console.budgetrows import BudgetRow, Notification, action_words
from console.forms import budgets as forms
from console.forms.budgets import BudgetDraft
from console.forms.drafts import FieldError, text
from console.iamrefusals import AT_FIELDS, field_errors
from console.pages import Context, page
from console.views import asked, create
from iam.errors import Busy, IamError, NotAdministrator, WrongFields

SECTION = "budgets"
_CHANGEABLE = ("amount", "thresholds", "action", "emails", "webhook", "version")
_FOLLOWED = ("Deployment", "Job", "CronJob", "Pod", "Event")
"""What moves money, or tells that it has moved."""


@page("budgets/list.html", kinds=_FOLLOWED)
def budget_list(visit: Visit) -> Context:
    rows = [BudgetRow(view) for view in billing.budgets.budgets(visit.identity)]
    return {
        "section": SECTION,
        "rows": rows,
        "may_create": billing.budgets.may(visit.identity, "create") or bool(_namespaces(visit)),
    }


@page("budgets/detail.html", kinds=_FOLLOWED)
def detail(visit: Visit, *, name: str) -> Context:
    return _common(visit, name)


@guarded("GET", "POST")
def budget_create(visit: Visit) -> HttpResponse:
    namespaces = _namespaces(visit)
    if not billing.budgets.may(visit.identity, "create") and not namespaces:
        raise NotAdministrator("cci:budget:create")
    posted = visit.request.POST
    draft, errors = BudgetDraft.read(posted), list[FieldError]()
    if not posted:
        asked = text(visit.request.GET, "namespace")
        draft = replace(draft, scope="namespace", namespace=asked) if asked in namespaces else draft
    elif posted.get("go") == "submit":
        errors = _made(visit, draft)
        if not errors:
            messages.success(visit.request, _("Budget %(name)s watches from now on.") % {"name": draft.name})
            return redirect("console:budget", name=draft.name)
    return _form(visit, draft, errors, namespaces=namespaces)


budget_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def edit(visit: Visit, *, name: str) -> HttpResponse:
    view, posted, errors = billing.budgets.budget(visit.identity, name), visit.request.POST, list[FieldError]()
    stored = BudgetDraft.of(view)
    draft = stored
    if posted:
        typed = BudgetDraft.read(posted)
        draft = replace(stored, **{one: getattr(typed, one) for one in _CHANGEABLE})
        errors = _changed(visit, draft)
        if not errors:
            messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
            return redirect("console:budget", name=name)
    return _form(visit, draft, errors, row=BudgetRow(view))


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    common, refusal = _common(visit, name), ""
    if asked.is_sure(visit, name):
        try:
            billing.budgets.delete(visit.identity, name)
        except Busy as busy:
            refusal = field_errors(busy)[0].message
        else:
            messages.success(visit.request, _("Budget %(name)s was deleted.") % {"name": name})
            return redirect("console:budgets")
    asks = {"word": name, "stays": common["row"].budget.suspended is not None, "refusal": refusal}
    context = {**common, **asks, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "budgets/delete.html", context, status=409 if refusal else asked.status(visit))


@guarded("GET", "POST")
def resume(visit: Visit, *, name: str) -> HttpResponse:
    """With a larger amount at once, or when the period is over."""
    common, errors = _common(visit, name), list[FieldError]()
    row, posted = common["row"], visit.request.POST
    least = billing.budgets.price_of_resuming(row.view).least
    typed = text(posted, "amount", f"{max(least, row.budget.amount.normalize()):f}")
    if visit.request.method == "POST":
        errors = _resumed(visit, name, typed, at_end=text(posted, "how") == "end")
        if not errors:
            return redirect("console:budget", name=name)
    context = {**common, "least": row.money(least), "amount": typed, "how": text(posted, "how", "amount")}
    return create.form(visit, "budgets/resume.html", SECTION, context, errors)


@guarded("GET", "POST")
def notifications(visit: Visit) -> HttpResponse:
    """What budgets have told, and the button that marks all of it as read."""
    if visit.request.method == "POST":
        billing.budgets.mark_read(visit.identity)
        return redirect("console:notifications")
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": SECTION,
        "told": [Notification(one) for one in billing.budgets.notifications(visit.identity)],
        "may_change": billing.budgets.may(visit.identity, "update"),
    }
    return render(visit.request, "budgets/notifications.html", context)


def _made(visit: Visit, draft: BudgetDraft) -> list[FieldError]:
    try:
        billing.budgets.create(visit.identity, draft.wish())
    except AT_FIELDS as refusal:
        return _refused(refusal)
    return []


def _changed(visit: Visit, draft: BudgetDraft) -> list[FieldError]:
    version = int(draft.version) if draft.version.isdecimal() else None
    try:
        billing.budgets.change(visit.identity, draft.name, draft.wish(), version=version)
    except AT_FIELDS as refusal:
        return _refused(refusal)
    return []


def _resumed(visit: Visit, name: str, typed: str, *, at_end: bool) -> list[FieldError]:
    amount = forms.amount(typed)
    if amount is None and not at_end:
        return [FieldError("amount", _("Write the amount as a number."))]
    try:
        billing.budgets.resume(visit.identity, name, amount=None if at_end else amount, at_end=at_end)
    except AT_FIELDS as refusal:
        return _refused(refusal)
    if at_end:
        messages.success(visit.request, _("It is brought back when the period is over."))
    else:
        messages.success(visit.request, _("What was suspended comes back as it was."))
    return []


def _refused(refusal: IamError) -> list[FieldError]:
    return forms.at_fields(refusal.fields) if isinstance(refusal, WrongFields) else field_errors(refusal)


def _form(
    visit: Visit,
    draft: BudgetDraft,
    errors: list[FieldError],
    *,
    namespaces: list[str] | None = None,
    row: BudgetRow | None = None,
) -> HttpResponse:
    context = {
        "draft": draft,
        "row": row,
        "focus": "amount" if row else "name",
        "namespaces": [("", "--"), *((one, one) for one in namespaces or ())],
        "workloads": [(one, one) for one in billing.budgets.WORKLOADS],
        "periods": [("monthly", _("a month (UTC)")), ("daily", _("a day (UTC)")), ("total", _("in all, from now on"))],
        "actions": [(one, action_words(one), _ACTION_NOTES[one]()) for one in billing.budgets.ACTIONS],
        "currency": frame.of(visit).currency,
    }
    return create.form(visit, "budgets/form.html", SECTION, context, errors)


_ACTION_NOTES = {
    "notify": lambda: _("Everything goes on; you are told."),
    "stop": lambda: _("What runs goes on. Creating, scaling up and new Jobs are refused, already shortly before."),
    "suspend": lambda: _("Deployments go to 0 pods, Jobs and CronJobs wait. Nothing is deleted; one click resumes it."),
}


def _common(visit: Visit, name: str) -> Context:
    row = BudgetRow(billing.budgets.budget(visit.identity, name))
    return {
        "section": SECTION,
        "row": row,
        "may_change": billing.budgets.may(visit.identity, "update", row.budget.namespace),
        "may_delete": billing.budgets.may(visit.identity, "delete", row.budget.namespace),
    }


def _namespaces(visit: Visit) -> list[str]:
    """For which the visitor may make a budget."""
    return [one for one in create.namespace_names(visit) if billing.budgets.may(visit.identity, "create", one)]
