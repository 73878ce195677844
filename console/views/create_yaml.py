"""Create from YAML: paste, type or upload; several documents. Everything is checked before the first thing is made."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import frame
from console.access import Visit, guarded
from console.forms import manifests
from console.forms.drafts import FieldError, by_field
from console.forms.manifests import Entry
from console.views.create import namespace_choices, page_of, requested_namespace
from workloads.client import Client, WriteOptions
from workloads.meta.errors import Cause, StatusError
from workloads.meta.manifests import LONGEST, ManifestError


@dataclass(frozen=True)
class Verdict:
    """What became, or would become, of one document."""

    title: str
    line: int
    word: str
    tone: str
    shape: str
    url: str = ""
    problems: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        return bool(self.problems)


@guarded("GET", "POST")
def yaml_create(visit: Visit) -> HttpResponse:
    namespaces = namespace_choices(visit)
    chosen = requested_namespace(visit.request) or (namespaces[0][0] if namespaces else "")
    text = ""
    errors: list[FieldError] = []
    verdicts: list[Verdict] = []
    if visit.request.method == "POST":
        text, errors = _text(visit)
        if not errors:
            verdicts, errors = _work(visit, text, chosen)
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": "yaml",
        "namespaces": namespaces,
        "namespace": chosen,
        "text": text,
        "errors": by_field(errors),
        "verdicts": verdicts,
        "headline": _headline(verdicts),
    }
    failed = bool(errors) or any(verdict.refused for verdict in verdicts)
    return render(visit.request, "create/yaml.html", context, status=422 if failed else 200)


def _text(visit: Visit) -> tuple[str, list[FieldError]]:
    """The file when one was chosen, else what was typed."""
    file = visit.request.FILES.get("file")
    if file is None:
        return visit.request.POST.get("text", ""), []
    if file.size is not None and file.size > LONGEST:
        return "", [FieldError("text", _("The file is larger than 3 MB. Split it into several."))]
    try:
        return file.read().decode(), []
    except UnicodeDecodeError:
        return "", [FieldError("text", _("The file is not text in UTF-8. Save it as UTF-8 and choose it again."))]


def _work(visit: Visit, text: str, namespace: str) -> tuple[list[Verdict], list[FieldError]]:
    try:
        entries = manifests.read(text, default_namespace=namespace)
    except ManifestError as error:
        return [], [FieldError("text", str(error))]
    checked = _check_all(visit.client, entries)
    if visit.request.POST.get("go") != "create" or any(verdict.refused for verdict in checked):
        return checked, []
    return [_verdict(visit.client, entry, dry=False) for entry in entries], []


def _check_all(client: Client, entries: list[Entry]) -> list[Verdict]:
    """A dry run of each. What lives in a namespace that this very text makes is checked once the namespace is there."""
    made_here = {entry.name for entry in entries if entry.kind == "Namespace"}
    return [
        _later(entry) if entry.namespace in made_here and not entry.refusal else _verdict(client, entry, dry=True)
        for entry in entries
    ]


def _verdict(client: Client, entry: Entry, *, dry: bool) -> Verdict:
    if entry.manifest is None:
        return _refused(entry, (Cause("", entry.refusal),))
    options = WriteOptions(dry_run=dry, field_validation="Strict", manager="console", duplicates=entry.duplicates)
    try:
        answer = client.create(entry.kind, entry.manifest, entry.namespace, options=options)
    except StatusError as refusal:
        return _refused(entry, refusal.causes or (Cause("", refusal.message),))
    if dry:
        return Verdict(entry.title, entry.line, _("Valid"), "ok", "dot", warnings=answer.warnings)
    name = answer.obj["metadata"]["name"]
    url = page_of(entry.kind, entry.namespace, name)
    return Verdict(entry.title, entry.line, _("Created"), "ok", "dot", url=url, warnings=answer.warnings)


def _later(entry: Entry) -> Verdict:
    return Verdict(entry.title, entry.line, _("Waits for its namespace"), "busy", "ring")


def _refused(entry: Entry, problems: tuple[Cause, ...]) -> Verdict:
    return Verdict(entry.title, entry.line, _("Refused"), "bad", "diamond", problems=problems)


def _headline(verdicts: list[Verdict]) -> str:
    refused = sum(verdict.refused for verdict in verdicts)
    if refused:
        return ngettext("%(count)d is refused", "%(count)d are refused", refused) % {"count": refused}
    if any(verdict.url or verdict.word == _("Created") for verdict in verdicts):
        return ngettext("%(count)d created", "%(count)d created", len(verdicts)) % {"count": len(verdicts)}
    return ngettext("%(count)d is valid", "%(count)d are valid", len(verdicts)) % {"count": len(verdicts)}
