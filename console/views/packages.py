"""Resource packages: what is left of the account's own; the operator grants and ends those of all."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billing import client as billing
from console import frame
from console.access import Visit, guarded
from console.forms.drafts import FieldError
from console.forms.packages import PackageDraft
from console.iamrefusals import AT_FIELDS, field_errors
from console.pages import Context, page
from console.states import State
from console.views import asked, create
from iam import operators
from iam.errors import IamError
from workloads.meta.errors import NotFound

SECTION = "packages"


@page("packages/list.html", kinds=("Pod",))
def package_list(visit: Visit) -> Context:
    may_grant = billing.packages.may_grant(visit.identity)
    return {
        "section": SECTION,
        "rows": [(view, state_of(view)) for view in billing.packages.packages(visit.identity)],
        "may_grant": may_grant,
        "granted": billing.packages.granted(visit.identity)[:200] if may_grant else [],
    }


@guarded("GET", "POST")
def package_create(visit: Visit) -> HttpResponse:
    operators.admit(visit.identity, "cci:package:create")
    posted = visit.request.POST
    draft, errors = PackageDraft.read(posted), list[FieldError]()
    if posted.get("go") == "submit":
        try:
            made = billing.packages.grant(visit.identity, draft.wish())
        except IamError as refusal:
            if not isinstance(refusal, AT_FIELDS):
                raise
            errors = field_errors(refusal)
        else:
            words = {"name": made.name, "account": made.account}
            messages.success(visit.request, _("Package %(name)s is granted to %(account)s.") % words)
            return redirect("console:packages")
    items = [("vcpu", _("core-hours")), ("memory", _("GiB-hours"))]
    return create.form(visit, "packages/create.html", SECTION, {"draft": draft, "items": items}, errors)


package_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def package_end(visit: Visit, *, number: int) -> HttpResponse:
    operators.admit(visit.identity, "cci:package:delete")
    found = next((one for one in billing.packages.granted(visit.identity) if one.pk == number), None)
    if found is None:
        raise NotFound(_("there is no package %(number)s") % {"number": number})
    if asked.is_sure(visit, found.name):
        billing.packages.end(visit.identity, number)
        messages.success(visit.request, _("Package %(name)s ends with this hour.") % {"name": found.name})
        return redirect("console:packages")
    shown = {"section": SECTION, "package": found, "word": found.name}
    context = {"visit": visit, "frame": frame.of(visit), **shown}
    return render(visit.request, "packages/end.html", context, status=asked.status(visit))


def state_of(view: billing.packages.View) -> State:
    words: dict[str, State] = {
        "coming": State(_("Coming"), tone="idle", shape="hollow", sentence=_("it has not begun")),
        "in force": State(_("In force"), tone="ok"),
        "used up": State(_("Used up"), tone="warn", shape="triangle", sentence=_("pods are billed by the second")),
        "over": State(_("Over"), tone="idle", shape="square"),
    }
    return words[view.state]
