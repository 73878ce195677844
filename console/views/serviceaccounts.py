"""ServiceAccounts: what pods are in the API. The list, one of them with its roles and pods, the form, and deletion."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import accountrows, lists
from console.access import Visit, guarded
from console.accountrows import AccountRow
from console.forms.drafts import FieldError
from console.forms.serviceaccounts import AccountDraft
from console.lists import Query
from console.pages import Context, page
from console.rolerows import BINDINGS
from console.rows import PodRow
from console.views import create, objects
from console.views.objects import Noun
from workloads.client import JSON
from workloads.meta.errors import Forbidden, StatusError

KIND = "ServiceAccount"
SECTION = "serviceaccounts"
_PODS = 100
_LOGIN = "kubernetes.io/dockerconfigjson"
_SECRETS = 200


@page("serviceaccounts/list.html", kinds=(KIND, *BINDINGS))
def account_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request)
    shelf = lists.shelf(query, source(visit, query))
    return lists.shown(visit, KIND, query, shelf)


def source(visit: Visit, query: Query) -> lists.Source[AccountRow]:
    known = accountrows.bindings(visit.client, visit.scope)

    def row(item: JSON) -> AccountRow:
        return accountrows.account_row(item, known)

    return lists.Source(lists.reader(visit, KIND, query), row)


@page("serviceaccounts/detail.html", kinds=(KIND, *BINDINGS, "Pod"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = ACCOUNT.on(visit, name, "overview")
    pods = _pods(visit, name)
    return {
        **common,
        "pods": None if pods is None else pods[:_PODS],
        "more_pods": pods is not None and len(pods) > _PODS,
        "may_give": visit.client.may("create", "RoleBinding", namespace),
    }


@guarded("GET", "POST")
def account_create(visit: Visit) -> HttpResponse:
    names, posted = create.namespace_names(visit), visit.request.POST
    if not names and not posted:
        return create.nowhere(visit, _("ServiceAccounts live in a namespace: request one first."))
    draft = AccountDraft.read(posted)
    if not posted:
        draft = replace(draft, namespace=create.first_namespace(visit, KIND, names))
    errors: list[FieldError] = []
    if posted.get("go") == "submit":
        taken = _("The namespace has a ServiceAccount of this name already: choose another name.")
        errors = create.make(visit, KIND, draft, taken=taken, namespace=draft.namespace)
        if not errors:
            messages.success(visit.request, _("ServiceAccount %(name)s was created.") % {"name": draft.name})
            return redirect("console:serviceaccount", namespace=draft.namespace, name=draft.name)
    context = {
        "draft": draft,
        "focus": "name",
        "namespaces": [(name, name) for name in names],
        "logins": _logins(visit, draft.namespace),
    }
    return create.form(visit, "serviceaccounts/create.html", SECTION, context, errors)


account_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


def _pods(visit: Visit, name: str) -> list[PodRow] | None:
    """Pods that run under it, one more than are shown at most; None for who may not see pods."""
    chosen = f"spec.serviceAccountName={name}"
    try:
        found = visit.client.list("Pod", visit.namespace, field_selector=chosen, limit=_PODS + 1).items
    except Forbidden:
        return None
    return [PodRow(pod) for pod in found]


def _logins(visit: Visit, namespace: str) -> list[tuple[str, str]] | None:
    """Secrets of the namespace that hold a registry's login; None for who may not read Secrets."""
    nothing = ("", _("none: images that everybody may pull"))
    try:
        found = visit.client.list("Secret", namespace, field_selector=f"type={_LOGIN}", limit=_SECRETS).items
    except Forbidden:
        return None
    except StatusError:
        return [nothing]
    return [nothing, *((one["metadata"]["name"], one["metadata"]["name"]) for one in found)]


def _asked(visit: Visit, common: Context) -> Context:
    pods = _pods(visit, common["row"].name) or []
    return {"pods": [pod for pod in pods if not pod.ended]}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    account = visit.client.get(KIND, name, visit.namespace)
    return {"row": accountrows.account_row(account, accountrows.bindings(visit.client, visit.namespace))}


ACCOUNT = Noun(KIND, "serviceaccounts", _shown)
manifest = objects.manifest(ACCOUNT)
delete = objects.deletion(ACCOUNT, gettext_lazy("ServiceAccount %(name)s was deleted."), more=_asked)
