"""ConfigMaps and Secrets: lists, one of them with who uses it, creating, changing, deleting. A Secret shows no
value but the one that is asked for, on a page that nobody keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import configrows, frame, lists, uses
from console.access import View, Visit, guarded
from console.configrows import BagRow, SecretRow
from console.forms.configuration import BASIC, LOGIN, OPAQUE, TLS, TYPES, BagDraft, RowDraft, too_large
from console.forms.drafts import FieldError, by_field, placed, together
from console.lists import Query
from console.pages import Context, page
from console.views import objects
from console.views.create import DRY, WET, form_page, namespace_names, requested_namespace
from console.views.objects import Noun
from iam import audit
from iam.audit import Target
from workloads.client import JSON
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, StatusError

_USERS = ("Deployment", "CronJob")
"""Pods and Jobs come and go too often to read a MiB of values again each time: they are seen on the next visit."""


_ROWS = {"ConfigMap": BagRow, "Secret": SecretRow}


def _list(visit: Visit, noun: Noun) -> Context:
    query = Query.of_list(visit.request, "type")
    found = _source(visit, noun, query)
    shelf = lists.shelf(query, found)
    types = [("", _("All")), *((one, type_words(one)) for one in TYPES)] if noun is SECRET else []
    return {
        **lists.shown(visit, noun.kind, query, shelf),
        "noun": noun,
        "chips": [query.chip("type", value, label) for value, label in types],
    }


def configmaps(visit: Visit, query: Query) -> lists.Source[BagRow]:
    return _source(visit, CONFIGMAP, query)


def secrets(visit: Visit, query: Query) -> lists.Source[BagRow]:
    return _source(visit, SECRET, query)


def _source(visit: Visit, noun: Noun, query: Query) -> lists.Source[BagRow]:
    type = query.get("type")

    def wanted(row: BagRow) -> bool:
        return row.type == type

    return lists.Source(lists.reader(visit, noun.kind, query), _ROWS[noun.kind], wanted if type else None)


@page("configuration/list.html", kinds=("ConfigMap",))
def configmap_list(visit: Visit, *, namespace: str = "") -> Context:
    return _list(visit, CONFIGMAP)


@page("configuration/list.html", kinds=("Secret",))
def secret_list(visit: Visit, *, namespace: str = "") -> Context:
    return _list(visit, SECRET)


@page("configuration/detail.html", kinds=("ConfigMap", *_USERS))
def configmap(visit: Visit, *, namespace: str, name: str) -> Context:
    return CONFIGMAP.on(visit, name, "overview")


@page("configuration/detail.html", kinds=("Secret", "ServiceAccount", *_USERS))
def secret(visit: Visit, *, namespace: str, name: str) -> Context:
    return SECRET.on(visit, name, "overview")


@guarded()
def secret_value(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """One value, `?key=`, because somebody asked to see it; the audit trail tells that they did."""
    common = SECRET.on(visit, name, "overview")
    key = visit.request.GET.get("key", "")
    shown: Context = {}
    if key in (common["row"].obj.get("data") or {}):
        value, is_text = configrows.value_of(common["row"].obj, key)
        shown = {"key": key, "value": value, "is_text": is_text}
        told = f"the value of {key} was shown in the console"
        audit.record(visit.identity, "cci:secret:get", Target("Secret", name, namespace), message=told)
    context = {**common, **shown, "visit": visit, "frame": frame.of(visit)}
    response = render(visit.request, "configuration/value.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _creating(noun: Noun) -> View:
    @guarded("GET", "POST")
    def create(visit: Visit) -> HttpResponse:
        names, posted = namespace_names(visit), visit.request.POST
        draft = BagDraft.read(noun.kind, posted.dict())
        if not posted:
            asked = requested_namespace(visit.request)
            draft = replace(draft, namespace=asked if asked in names else next(iter(names), ""))
        draft, errors, focus = _pressed(visit, draft)
        if posted.get("go") == "submit" and not errors:
            errors = _create(visit, draft)
            if not errors:
                said = _("%(kind)s %(name)s was created.") % {"kind": noun.kind, "name": draft.name}
                messages.success(visit.request, said)
                return redirect(noun.page, namespace=draft.namespace, name=draft.name)
        return _form(visit, noun, draft, errors, focus=focus or "name", names=names)

    create.page = form_page(noun.section)  # type: ignore[attr-defined]
    return create


def _editing(noun: Noun) -> View:
    @guarded("GET", "POST")
    def edit(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
        stored, posted = visit.client.get(noun.kind, name, namespace), visit.request.POST
        draft = BagDraft.of(noun.kind, stored)
        if posted:
            typed = BagDraft.read(noun.kind, posted.dict())
            draft = replace(typed, name=name, namespace=namespace, type=draft.type, version=typed.version or "0")
        draft, errors, focus = _pressed(visit, draft)
        if posted.get("go") == "submit" and not errors:
            errors = _update(visit, draft, stored)
            if not errors:
                messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
                return redirect(noun.page, namespace=namespace, name=name)
        return _form(visit, noun, draft, errors, focus=focus, stored=stored)

    return edit


def type_words(type: str) -> str:
    return {
        OPAQUE: _("Any values"),
        LOGIN: _("Registry login"),
        TLS: _("TLS certificate"),
        BASIC: _("User and password"),
    }.get(type, type)


def _pressed(visit: Visit, draft: BagDraft) -> tuple[BagDraft, list[FieldError], str]:
    """Takes over a chosen file, adds or removes a row, changes the type, as was pressed; and where one types on.

    Any other button leaves the file chosen in its field."""
    go, file = visit.request.POST.get("go", ""), visit.request.FILES.get("file")
    if file is not None and file.name and go in ("look", "submit"):
        if problem := too_large(file.size or 0):
            return draft, [FieldError("file", problem)], "file"
        draft = draft.with_file(file.name.rpartition("/")[2], file.read())
    if go == "add-row":
        draft = replace(draft, rows=(*draft.rows, RowDraft()))
        return draft, [], f"rows-{len(draft.rows) - 1}-key"
    if go.startswith("remove-row-"):
        kept = tuple(row for index, row in enumerate(draft.rows) if str(index) != go.removeprefix("remove-row-"))
        return replace(draft, rows=kept or (RowDraft(),)), [], "add-row"
    if go.startswith("type-") and draft.kind == "Secret" and not draft.version:
        return replace(draft, type=go.removeprefix("type-")), [], "name"
    if draft.kind == "Secret" and not draft.version and draft.type not in TYPES:
        return replace(draft, type=OPAQUE), [FieldError("", _("Choose one of the types."))], ""
    return draft, [], ""


def _create(visit: Visit, draft: BagDraft) -> list[FieldError]:
    def attempt(*, dry: bool) -> list[FieldError]:
        try:
            visit.client.create(draft.kind, draft.manifest(), draft.namespace, options=DRY if dry else WET)
        except AlreadyExists:
            values = {"namespace": draft.namespace, "kind": draft.kind}
            said = _("%(namespace)s has a %(kind)s of this name already: choose another name.") % values
            return [FieldError("name", said)]
        except NotFound:
            said = _("There is no namespace %(namespace)s (any more): choose another one.")
            return [FieldError("namespace", said % {"namespace": draft.namespace})]
        except StatusError as refusal:
            return _refused(draft, refusal)
        return []

    return together(draft.problems(), attempt(dry=True)) or attempt(dry=False)


def _update(visit: Visit, draft: BagDraft, stored: JSON) -> list[FieldError]:
    if problems := draft.problems():
        return problems
    try:
        visit.client.update(draft.kind, draft.name, draft.manifest(stored), draft.namespace, options=WET)
    except Conflict:
        said = _("Somebody changed it meanwhile. What you typed is still here: open it in another tab, and compare.")
        return [FieldError("", said)]
    except StatusError as refusal:
        return _refused(draft, refusal)
    return []


def _refused(draft: BagDraft, refusal: StatusError) -> list[FieldError]:
    return placed(draft, refusal.causes) or [FieldError("", refusal.message)]


def _form(
    visit: Visit,
    noun: Noun,
    draft: BagDraft,
    errors: list[FieldError],
    *,
    focus: str,
    names: list[str] | None = None,
    stored: JSON | None = None,
) -> HttpResponse:
    known = {} if stored is None else {"row": _ROWS[noun.kind](stored)}
    context: dict[str, Any] = {
        **known,
        "visit": visit,
        "frame": frame.of(visit),
        "section": noun.section,
        "noun": noun,
        "draft": draft,
        "rows": [
            {"prefix": f"rows-{index}-", "number": str(index), "draft": one} for index, one in enumerate(draft.rows)
        ],
        "types": [(one, type_words(one)) for one in TYPES],
        "namespaces": [(name, name) for name in names or ()],
        "errors": by_field(errors),
        "focus": errors[0].field if errors else focus,
    }
    return render(visit.request, "configuration/form.html", context, status=422 if errors else 200)


def _shown_of(kind: str) -> Callable[[Visit, str, str], Context]:
    def shown(visit: Visit, name: str, tab: str) -> Context:
        row = _ROWS[kind](visit.client.get(kind, name, visit.namespace))
        users = uses.users_of(visit.client, kind, visit.namespace, name)
        return {"row": row, "type_words": type_words(row.type), "users": users}

    return shown


_DELETED = gettext_lazy("%(kind)s %(name)s was deleted.")
CONFIGMAP = Noun("ConfigMap", "configuration", _shown_of("ConfigMap"))
configmap_create, configmap_edit = _creating(CONFIGMAP), _editing(CONFIGMAP)
configmap_manifest, configmap_delete = objects.manifest(CONFIGMAP), objects.deletion(CONFIGMAP, _DELETED)
SECRET = Noun("Secret", "configuration", _shown_of("Secret"))
secret_create, secret_edit = _creating(SECRET), _editing(SECRET)
secret_manifest = objects.manifest(SECRET, without=configrows.redacted)
"""Without its values: what YAML shows, screens and screenshots show."""
secret_delete = objects.deletion(SECRET, _DELETED)
