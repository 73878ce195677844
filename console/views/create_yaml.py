"""Create from YAML: paste, type or upload; several documents. Everything is checked before the first thing is made.

What lives in a namespace that the same text makes can only be checked when the namespace is there. So namespaces are
made first; when anything in them is refused then, they are taken back, and nothing else has been made yet.

`create` makes what is new and refuses what is there; `apply` changes what is there, as server-side apply does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from console import frame, yamlchecks
from console import manifests as yaml
from console.access import Visit, guarded
from console.forms import clones, manifests, starts
from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError, by_field
from console.forms.jobs import CronJobDraft, JobDraft
from console.forms.manifests import Entry
from console.forms.workloads import WorkloadDraft
from console.sections import page_of
from console.views import draft_yaml
from console.views.create import form_page, namespace_names, requested_namespace
from workloads.client import JSON, Client, WriteOptions
from workloads.meta.errors import AlreadyExists, Cause, StatusError
from workloads.meta.manifests import LONGEST, ManifestError

Outcome = Literal["valid", "there", "created", "changed", "same", "refused", "waits", "taken back", "not tried"]
_LOOKS = {
    "valid": ("ok", "dot"),
    "there": ("busy", "ring"),
    "created": ("ok", "dot"),
    "changed": ("busy", "ring"),
    "same": ("idle", "hollow"),
    "refused": ("bad", "diamond"),
    "waits": ("busy", "ring"),
    "taken back": ("warn", "triangle"),
    "not tried": ("idle", "hollow"),
}


@dataclass(frozen=True)
class Start:
    name: str
    title: str | Promise
    kind: type[WorkloadDraft]


IMAGE = "nginx:1.27"
STARTS = (
    Start("web", _lazy("Web"), DeploymentDraft),
    Start("worker", _lazy("Worker"), DeploymentDraft),
    Start("job", _lazy("Job"), JobDraft),
    Start("cronjob", "CronJob", CronJobDraft),
)
"""What an empty text can begin with."""


@dataclass(frozen=True)
class Verdict:
    """What became, or would become, of one document."""

    title: str
    line: int
    outcome: Outcome
    url: str = ""
    problems: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        return self.outcome == "refused"

    @property
    def tone(self) -> str:
        return _LOOKS[self.outcome][0]

    @property
    def shape(self) -> str:
        return _LOOKS[self.outcome][1]

    @property
    def word(self) -> str:
        return {
            "valid": _("Valid"),
            "there": _("There already: Apply changes it"),
            "created": _("Created"),
            "changed": _("Changed"),
            "same": _("Same as before"),
            "refused": _("Refused"),
            "waits": _("Waits for its namespace"),
            "taken back": _("Taken back"),
            "not tried": _("Not created"),
        }[self.outcome]


@guarded("GET", "POST")
def yaml_create(visit: Visit) -> HttpResponse:
    names = namespace_names(visit)
    chosen = requested_namespace(visit.request) or (names[0] if names else "")
    text = _cloned(visit, chosen) or _started(visit, chosen)
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
        "namespaces": [(name, name) for name in names],
        "namespace": chosen,
        "text": text,
        "starts": STARTS if visit.request.method == "GET" and not text else (),
        "errors": by_field(errors),
        "verdicts": verdicts,
        "headline": _headline(verdicts),
        "focus": "" if verdicts else "text",
        "is_done": any(verdict.outcome in ("created", "changed") for verdict in verdicts),
    }
    failed = bool(errors) or any(verdict.refused for verdict in verdicts)
    return render(visit.request, "create/yaml.html", context, status=422 if failed else 200)


yaml_create.page = form_page("yaml")  # type: ignore[attr-defined]


def _cloned(visit: Visit, namespace: str) -> str:
    """`?clone=Deployment/web` begins with that workload under another name. Raises NotFound."""
    kind, _slash, name = visit.request.GET.get("clone", "").partition("/")
    if visit.request.method != "GET" or kind not in clones.KINDS or not name:
        return ""
    return yaml.text(clones.of(visit.client.get(kind, name, namespace)))


def _started(visit: Visit, namespace: str) -> str:
    """`?start=web` begins with what the forms begin with, as YAML that runs once its name and image are right."""
    asked = visit.request.GET.get("start", "")
    kind = next((start.kind for start in STARTS if start.name == asked), None)
    if visit.request.method != "GET" or kind is None:
        return ""
    named = {"namespace": namespace, "name": f"my-{asked}", "containers-0-image": IMAGE}
    return draft_yaml.text_of(kind.read({**starts.fields(kind.KIND, asked), **named}))


def _text(visit: Visit) -> tuple[str, list[FieldError]]:
    """The file when one was chosen, else what was typed."""
    file = visit.request.FILES.get("file")
    if file is None:
        return visit.request.POST.get("text", ""), []
    if file.size is not None and file.size > LONGEST:
        return "", [FieldError("file", str(manifests.TOO_LONG))]
    try:
        return file.read().decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", [FieldError("file", _("The file is not text in UTF-8. Save it as UTF-8 and choose it again."))]


def _work(visit: Visit, text: str, namespace: str) -> tuple[list[Verdict], list[FieldError]]:
    try:
        entries = manifests.read(text, default_namespace=namespace)
    except ManifestError as error:
        said = str(error)
        return [], [FieldError("text", said[:1].upper() + said[1:])]
    go = visit.request.POST.get("go")
    applying = go == "apply"
    checked = _check_all(visit.client, entries, applying=go != "create")
    if go not in ("create", "apply") or any(verdict.refused for verdict in checked):
        return checked, []
    return _create_all(visit.client, entries, checked, applying=applying), []


def _check_all(client: Client, entries: Sequence[Entry], *, applying: bool) -> list[Verdict]:
    """A dry run of each. What lives in a namespace that this very text makes is checked once the namespace is there."""
    made_here = {entry.name for entry in entries if entry.kind == "Namespace"}
    return [
        Verdict(entry.title, entry.line, "waits")
        if entry.namespace in made_here and not entry.refusal
        else _verdict(client, entry, dry=True, applying=applying)
        for entry in entries
    ]


def _create_all(
    client: Client, entries: Sequence[Entry], checked: Sequence[Verdict], *, applying: bool
) -> list[Verdict]:
    """In the order of the text, but namespaces first."""
    verdicts = [
        _verdict(client, entry, dry=False, applying=applying) if entry.kind == "Namespace" else verdict
        for entry, verdict in zip(entries, checked, strict=True)
    ]
    if not any(verdict.refused for verdict in verdicts):
        verdicts = [
            _verdict(client, entry, dry=True, applying=applying) if verdict.outcome == "waits" else verdict
            for entry, verdict in zip(entries, verdicts, strict=True)
        ]
    if any(verdict.refused for verdict in verdicts):
        return [_taken_back(client, entry, one) for entry, one in zip(entries, verdicts, strict=True)]
    return [
        verdict if entry.kind == "Namespace" else _verdict(client, entry, dry=False, applying=applying)
        for entry, verdict in zip(entries, verdicts, strict=True)
    ]


def _taken_back(client: Client, entry: Entry, verdict: Verdict) -> Verdict:
    """Nothing of a text is made while one of its documents is wrong."""
    if verdict.refused:
        return verdict
    if verdict.outcome in ("changed", "same") and entry.kind == "Namespace":
        return verdict
    if verdict.outcome != "created":
        return replace(verdict, outcome="not tried", warnings=())
    client.delete("Namespace", entry.name)
    return replace(verdict, outcome="taken back", url="")


def _verdict(client: Client, entry: Entry, *, dry: bool, applying: bool) -> Verdict:
    if entry.manifest is None:
        return _refused(entry, (Cause("", entry.refusal),))
    options = WriteOptions(dry_run=dry, field_validation="Strict", manager="console", duplicates=entry.duplicates)
    try:
        if applying and (live := yamlchecks.live_of(client, entry)) is not None:
            return _applied(client, entry, live, dry=dry)
        answer = client.create(entry.kind, entry.manifest, entry.namespace, options=options)
    except AlreadyExists as refusal:
        remedy = _("give it another name, or change the one that is there with Apply")
        return _refused(entry, (Cause("metadata.name", f"{refusal.message}: {remedy}."),))
    except StatusError as refusal:
        return _refused(entry, yamlchecks.causes(refusal))
    if dry:
        return Verdict(entry.title, entry.line, "valid", warnings=answer.warnings)
    name = answer.obj["metadata"]["name"]
    title = entry.title if entry.name == name else f"{entry.kind} {entry.namespace}/{name}"
    url = page_of(entry.kind, entry.namespace, name)
    return Verdict(title, entry.line, "created", url=url, warnings=answer.warnings)


def _applied(client: Client, entry: Entry, live: JSON, *, dry: bool) -> Verdict:
    """What is there becomes as the text says; what the text does not say stays. Raises StatusError."""
    if entry.duplicates:
        said = _("%(field)s stands here twice: take one of the two away.")
        return _refused(entry, tuple(Cause(path, said % {"field": path}) for path in entry.duplicates))
    answer = yamlchecks.apply(client, entry, dry_run=dry)
    if not yamlchecks.differs(live, answer):
        return Verdict(entry.title, entry.line, "same", url=page_of(entry.kind, entry.namespace, entry.name))
    outcome: Outcome = "there" if dry else "changed"
    url = page_of(entry.kind, entry.namespace, entry.name)
    return Verdict(entry.title, entry.line, outcome, url=url, warnings=answer.warnings)


def _refused(entry: Entry, problems: tuple[Cause, ...]) -> Verdict:
    return Verdict(entry.title, entry.line, "refused", problems=problems)


def _headline(verdicts: Sequence[Verdict]) -> str:
    """`2 are refused`; `1 created, 1 refused` when something went wrong in between."""
    made = sum(verdict.outcome == "created" for verdict in verdicts)
    changed = sum(verdict.outcome in ("changed", "same") for verdict in verdicts)
    refused = sum(verdict.refused for verdict in verdicts)
    if changed and not refused:
        words = {"made": made, "changed": sum(verdict.outcome == "changed" for verdict in verdicts)}
        return _("%(made)d created, %(changed)d changed") % words
    if made and refused:
        return _("%(made)d created, %(refused)d refused") % {"made": made, "refused": refused}
    if refused:
        return ngettext("%(count)d is refused", "%(count)d are refused", refused) % {"count": refused}
    if made:
        return ngettext("%(count)d created", "%(count)d created", made) % {"count": made}
    waiting = sum(verdict.outcome == "waits" for verdict in verdicts)
    valid = len(verdicts) - waiting
    said = ngettext("%(count)d is valid", "%(count)d are valid", valid) % {"count": valid}
    return said + (_(", %(count)d waiting") % {"count": waiting} if waiting else "")
