"""The tab Access of a Deployment: where it is reached, whether it is now, and the form that adds a way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from console import backends, doors, frame, happenings, reachable, servicerows
from console.access import Visit, guarded
from console.doors import Door
from console.forms import access
from console.forms.access import AccessDraft
from console.forms.drafts import FieldError, together
from console.pages import Context, page
from console.reachable import Outcome
from console.servicerows import IngressRow, ServiceRow
from console.states import State
from console.views import create, deployments, sending, services, wizard, workload_words
from workloads.client import JSON
from workloads.kinds import sleeping
from workloads.meta.errors import Forbidden

_KINDS = ("Deployment", "Service", "Ingress", "ELB", "EndpointSlice", "Event")


@dataclass(frozen=True)
class Way:
    """An address at which the workload is reached, by a Service or an Ingress. `door` is None inside."""

    address: str
    """To copy."""
    by: ServiceRow | IngressRow
    note: str = ""
    door: Door | None = None
    host: str = ""
    path: str = "/"
    protocol: str = "TCP"
    rests: State | None = None
    """Of a workload that sleeps and is woken by whoever comes this way."""

    @property
    def kind(self) -> str:
        return str(self.by.obj["kind"])

    @property
    def page(self) -> str:
        name = "console:service" if self.kind == "Service" else "console:ingress"
        return reverse(name, kwargs={"namespace": self.by.namespace, "name": self.by.name})

    @property
    def url(self) -> str:
        """To open in a browser, which speaks HTTP alone; "" inside, and where a wildcard stands for many names."""
        if self.door is None or self.door.protocol == "UDP" or "*" in self.host:
            return ""
        return f"http://{self.door}/" if self.door.protocol == "TCP" else self.door.url(self.host, self.path)

    @property
    def state(self) -> State:
        if self.rests is not None and not self.by.problem:
            return self.rests
        return self.by.inside if isinstance(self.by, ServiceRow) and self.door is None else self.by.state


@page("deployments/access.html", kinds=_KINDS)
def tab(visit: Visit, *, namespace: str, name: str) -> Context:
    common = deployments.DEPLOYMENT.on(visit, name, "access")
    by_name, ingresses = _found(visit, common["row"].obj)
    uids = [row.uid for row in (*by_name.values(), *ingresses)]
    rests = common["row"].state if sleeping.is_asleep(common["row"].obj) else None
    outside = [replace(way, rests=_woken(way, rests)) for way in _outside(by_name, ingresses)]
    return {
        **common,
        "inside": [replace(way, rests=_woken(way, rests)) for way in _inside(by_name)],
        "outside": [(way, _check_url(namespace, name, way)) for way in outside],
        "waiting": [*filter(_waits, by_name.values()), *filter(_waits, ingresses)],
        "services": list(by_name.values()),
        "ingresses": ingresses,
        "events": happenings.of_uids(visit.client, namespace, uids),
        "mixed": True,
    }


@guarded("GET")
def check(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Only what the Deployment's own Services and Ingresses have is asked."""
    common = deployments.DEPLOYMENT.on(visit, name, "access")
    asked = visit.request.GET.get("at", "")
    found = next((way for way in _outside(*_found(visit, common["row"].obj)) if way.address == asked), None)
    outcome = Outcome(False, _("Choose an address on the tab Access."))
    if found is not None and found.door is not None:
        outcome = reachable.check(found.door, host=found.host, path=found.path)
    context = {**common, "visit": visit, "frame": frame.of(visit), "way": found, "outcome": outcome}
    return render(visit.request, "deployments/access_check.html", context)


@guarded("GET", "POST")
def add(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    visit.client.require("create", "Service", namespace)
    common = deployments.DEPLOYMENT.on(visit, name, "access")
    posted, go = visit.request.POST, visit.request.POST.get("go", "")
    draft = AccessDraft.read(posted, name=name, reach=access.PUBLIC)
    draft, focus = access.pressed(draft, go)
    errors: list[FieldError] = []
    if go == "submit":
        errors = _make(visit, draft, _selector(common["row"].obj))
        if not errors:
            messages.success(visit.request, _("%(name)s has another way to it.") % {"name": name})
            return redirect("console:deployment-access", namespace=namespace, name=name)
    choices = wizard.access_choices(visit.client, draft, namespace)
    choices["reaches"] = choices["reaches"][1:]
    context = {**common, **choices, "draft": draft, "focus": focus, "facts": workload_words.access_facts(draft)}
    return create.form(visit, "deployments/access_add.html", "deployments", context, errors)


add.page = create.form_page("deployments")  # type: ignore[attr-defined]


def _make(visit: Visit, draft: AccessDraft, selector: Mapping[str, str]) -> list[FieldError]:
    """What is wrong, at its fields; and what was made before it, which a second try finds there."""
    client = visit.client
    parts = [*draft.first_parts(), *draft.parts(visit.namespace, selector)]
    errors = together(draft.problems(), sending.send(client, parts, options=create.DRY).refusals)
    if errors:
        return errors
    sent = sending.send(client, parts, options=create.WET)
    if not sent.refusals:
        return []
    return [*sent.refusals, *(FieldError("", _("%(what)s was made already.") % {"what": one}) for one in sent.made)]


def _found(visit: Visit, deployment: JSON) -> tuple[dict[str, ServiceRow], list[IngressRow]]:
    """The Services that select its pods, by name, and the Ingresses that lead to them."""
    client, labels = visit.client, deployment["spec"]["template"]["metadata"].get("labels") or {}
    try:
        items = client.list("Service", visit.namespace).items
    except Forbidden:
        return {}, []
    reaches, known = doors.of_account(client), backends.known(client, visit.namespace)
    rows = [servicerows.service_row(one, reaches, known) for one in items if _selects(one, labels)]
    by_name = {row.name: row for row in rows}
    return by_name, services.ingresses_of(visit, *by_name)


def _selects(service: JSON, labels: Mapping[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _selector(deployment: JSON) -> dict[str, str]:
    spec = deployment["spec"]
    return dict(spec["selector"].get("matchLabels") or spec["template"]["metadata"].get("labels") or {})


def _inside(by_name: Mapping[str, ServiceRow]) -> list[Way]:
    return [_inner(row, port) for row in by_name.values() for port in row.ports]


def _inner(row: ServiceRow, port: JSON) -> Way:
    note = f"{row.dns}, {row.address or _('headless')}, {port['protocol']}"
    return Way(f"{row.name}:{port['port']}", row, note=note, protocol=port["protocol"])


def _outside(by_name: Mapping[str, ServiceRow], ingresses: list[IngressRow]) -> list[Way]:
    said = _("%(protocol)s, by ELB %(elb)s")
    ways = [
        Way(str(door), row, note=said % {"protocol": door.protocol, "elb": door.elb}, door=door, protocol=door.protocol)
        for row in by_name.values()
        for door in row.doors
    ]
    for row in ingresses:
        for rule in row.rules:
            if rule.door and rule.service in by_name:
                note = _("by Ingress %(name)s on ELB %(elb)s") % {"name": row.name, "elb": rule.door.elb}
                ways.append(Way(rule.address, row, note=note, door=rule.door, host=rule.host, path=rule.path))
    return ways


def _woken(way: Way, rests: State | None) -> State | None:
    """A headless Service's addresses and UDP wake nobody."""
    if isinstance(way.by, ServiceRow) and (not way.by.address or way.protocol == "UDP"):
        return None
    return rests


def _waits(row: ServiceRow | IngressRow) -> bool:
    """It was to be reached from outside, and is not."""
    return not row.doors and (isinstance(row, IngressRow) or row.is_exposed)


def _check_url(namespace: str, name: str, way: Way) -> str:
    url = reverse("console:deployment-access-check", kwargs={"namespace": namespace, "name": name})
    return f"{url}?{urlencode({'at': way.address})}"
