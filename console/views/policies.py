"""Policies: the list, one as a document, in words and as a table with who has it, and the forms of an account's own.

A form tells what is wrong while one types, by `iam.people`'s own rules, and what the document comes to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, policywords
from console.access import Visit, guarded
from console.forms.drafts import FieldError, by_field, text
from console.forms.policies import BEGINNINGS, PolicyDraft, placed, shown
from console.iamrefusals import AT_FIELDS, field_errors
from console.pages import Context, page
from console.views import asked, create
from iam import people, policies
from iam.errors import IamError, WrongFields
from iam.people import Holders
from iam.policies import SYSTEM, SystemPolicy

SECTION = "policies"


@page("policies/list.html")
def policy_list(visit: Visit) -> Context:
    own, held = people.custom_policies(visit.identity), people.all_holders(visit.identity)
    return {
        "section": SECTION,
        "system": [(one, held.get(one.name, Holders())) for one in SYSTEM.values()],
        "own": [(one, held.get(one.name, Holders()), policywords.sentences(one.document)) for one in own],
        "may_change": visit.identity.is_administrator,
    }


@page("policies/detail.html")
def detail(visit: Visit, *, name: str) -> Context:
    found = people.policy(visit.identity, name)
    return {
        "section": SECTION,
        "policy": found,
        "is_system": isinstance(found, SystemPolicy),
        "document": shown(found.document),
        "holders": people.holders(visit.identity, name),
        "may_change": visit.identity.is_administrator,
        **words(found.document),
    }


@guarded("GET", "POST")
def policy_create(visit: Visit) -> HttpResponse:
    """`?from=` begins with the document of another policy."""
    people.admit(visit.identity, "iam:policy:create")
    posted = visit.request.POST
    draft, errors = PolicyDraft.read(posted), list[FieldError]()
    beginning = posted.get("go", "").removeprefix("begin-")
    if not posted:
        model = text(visit.request.GET, "from")
        document = people.policy(visit.identity, model).document if model else BEGINNINGS["read"][1]
        draft = PolicyDraft.of("", "", document)
    elif beginning in BEGINNINGS:
        draft = replace(draft, typed=shown(BEGINNINGS[beginning][1]))
    elif posted.get("go") == "submit":
        errors = _made(visit, draft)
        if not errors:
            said = _("Policy %(name)s was created. Give it to somebody.") % {"name": draft.name}
            messages.success(visit.request, said)
            return redirect("console:policy", name=draft.name)
    return _form(visit, draft, errors, focus="name")


policy_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def edit(visit: Visit, *, name: str) -> HttpResponse:
    people.admit(visit.identity, "iam:policy:update")
    stored, posted = people.own_policy(visit.identity, name), visit.request.POST
    draft = PolicyDraft.of(name, stored.description, stored.document, since=stored.changed)
    errors: list[FieldError] = []
    if posted:
        draft = replace(PolicyDraft.read(posted), name=name)
        if posted.get("go") == "submit":
            errors = _changed(visit, draft)
            if not errors:
                messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
                return redirect("console:policy", name=name)
    return _form(visit, draft, errors, focus="document", holders=people.holders(visit.identity, name))


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    """Refused while somebody has it, and says who."""
    people.admit(visit.identity, "iam:policy:delete")
    stored, refusal = people.own_policy(visit.identity, name), ""
    if asked.is_sure(visit, name):
        try:
            people.delete_policy(visit.identity, name)
        except AT_FIELDS as error:
            refusal = field_errors(error)[0].message
        else:
            messages.success(visit.request, _("Policy %(name)s was deleted.") % {"name": name})
            return redirect("console:policies")
    holders = people.holders(visit.identity, name)
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": SECTION,
        "policy": stored,
        "holders": holders,
        "word": name,
        "stays": bool(holders.users or holders.groups),
        "no": refusal,
    }
    return render(visit.request, "policies/delete.html", context, status=422 if refusal else asked.status(visit))


def words(*documents: Any) -> Context:
    """What documents say, for `policies/words.html`."""
    return {
        "sentences": [one for document in documents for one in policywords.sentences(document)],
        "table": policywords.table(documents),
    }


def _made(visit: Visit, draft: PolicyDraft) -> list[FieldError]:
    if problems := draft.problems():
        return problems
    try:
        people.create_policy(visit.identity, draft.name, document=draft.document(), description=draft.description)
    except AT_FIELDS as refusal:
        return _refused(refusal)
    return []


def _changed(visit: Visit, draft: PolicyDraft) -> list[FieldError]:
    if problems := draft.problems():
        return problems
    document, description = draft.document(), draft.description
    try:
        people.change_policy(visit.identity, draft.name, document=document, description=description, since=draft.moment)
    except AT_FIELDS as refusal:
        return _refused(refusal)
    return []


def _refused(refusal: IamError) -> list[FieldError]:
    return placed(refusal.fields) if isinstance(refusal, WrongFields) else field_errors(refusal)


def _form(
    visit: Visit, draft: PolicyDraft, errors: list[FieldError], *, focus: str, holders: Holders | None = None
) -> HttpResponse:
    """`verdict` is the region that follows what is typed."""
    problems = by_field(draft.problems()).get("document", [])
    context: Context = {
        "draft": draft,
        "focus": focus,
        "holders": holders,
        "beginnings": [(name, label) for name, (label, _document) in BEGINNINGS.items()],
        "verdict": problems,
        "verbs": policies.VERBS,
        "nouns": (*policies.NOUNS, *policies.IAM_NOUNS),
    }
    if not problems:
        context |= words(draft.document())
    return create.form(visit, "policies/form.html", SECTION, context, errors)
