"""ELBs as lists and details show them: what each listens on and for whom, its certificates, and who stands behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import orjson
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.backends import NOBODY, Backends, Known
from console.doors import ref_of
from console.rows import Row
from console.sections import page_of
from console.states import State
from workloads.client import JSON, Client
from workloads.kinds import elbannotations, elbs
from workloads.meta.errors import Forbidden, NotFound
from workloads.routing import bindings, certificates
from workloads.routing.bindings import Backend, Listener, Ref
from workloads.routing.certificates import Broken

DESCRIPTION = "description"


@dataclass(frozen=True)
class ElbRow(Row):
    @cached_property
    def state(self) -> State:
        if self.leaving:
            return State(_("Terminating"), tone="busy", shape="ring")
        state = elbs.state_of(self.obj)
        if state == elbs.REJECTED:
            advice = _("What it served before goes on.")
            return State(_("Rejected"), elbs.rejection(self.obj), "bad", "diamond", advice=advice)
        if state != elbs.ACTIVE:
            return State(_("Pending"), self._waits_for or _("is being made ready"), "busy", "hollow")
        if self.problems:
            advice = _("See its events: each of them says whose it is.")
            return State(_("Active"), _problem_words(len(self.problems)), "warn", "triangle", advice=advice)
        if not self.listeners:
            return State(_("Unused"), _("nothing is reached through it"), "idle", "hollow")
        return State(_("Active"), tone="ok")

    @property
    def address(self) -> str:
        return elbs.address_of(self.obj)

    @property
    def inside(self) -> str:
        return str(self._status.get("internalAddress", ""))

    @property
    def message(self) -> str:
        return str(self._status.get("message", ""))

    @property
    def description(self) -> str:
        return self.annotations.get(DESCRIPTION, "")

    @property
    def is_default(self) -> bool:
        return self.name == elbs.NAME_OF_DEFAULT

    @property
    def listeners(self) -> list[JSON]:
        return list(self._status.get("listeners") or ())

    @property
    def listener_words(self) -> str:
        return ", ".join(f"{one['port']}/{one['protocol']}" for one in self.listeners)

    @property
    def workloads(self) -> list[Ref]:
        found = {ref_of(one) for listener in self.listeners for one in listener.get("workloads") or ()}
        return sorted(found)

    @property
    def problems(self) -> list[JSON]:
        return list(self._status.get("problems") or ())

    @property
    def annotation_block(self) -> str:
        """What a Service or an Ingress says to be reached here."""
        lines = ("metadata:", "  annotations:", '    kubernetes.io/elb.class: "elb"')
        return "\n".join([*lines, f'    {elbannotations.ELB_ID}: "{self.uid}"  # {self.name}, {self.address}'])

    @property
    def expose_command(self) -> str:
        overrides = orjson.dumps(
            {"apiVersion": "v1", "metadata": {"annotations": {elbannotations.ELB_NAME: self.name}}}
        ).decode()
        return (
            "kubectl expose deployment web --port=80 --target-port=8080 --type=LoadBalancer \\\n"
            f"  --overrides='{overrides}'"
        )

    @property
    def ingress_command(self) -> str:
        return (
            "kubectl create ingress web --class=cce --rule='shop.example.com/*=web:80' \\\n"
            f"  --annotation={elbannotations.ELB_NAME}={self.name}"
        )

    @property
    def _waits_for(self) -> str:
        ports = elbs.unserved(self.obj)
        if self._status.get("state") != elbs.ACTIVE or not ports:
            return self.message
        words = ngettext(
            "the proxy has not taken port %(ports)s yet", "the proxy has not taken ports %(ports)s yet", len(ports)
        )
        return words % {"ports": ", ".join(ports)}

    @property
    def _status(self) -> JSON:
        return dict(self.obj.get("status") or {})


@dataclass(frozen=True)
class RouteLine:
    """A line of a listener: which requests go to which Service, or (`redirect`) to https."""

    where: str
    exact: bool
    redirect: bool
    owner: Ref
    namespace: str
    service: str
    port: str
    backends: Backends


@dataclass(frozen=True)
class Shown:
    """A certificate of a listener. `wrong` is what is wrong; who may not read the Secret is told its name alone."""

    secret: str
    url: str
    subject: str = ""
    names: tuple[str, ...] = ()
    ends: datetime | None = None
    wrong: str = ""


@dataclass(frozen=True)
class ListenerView:
    port: int
    protocol: str
    lines: list[RouteLine]
    hidden: list[Ref]
    """Whose rules are not for who looks."""
    certificates: list[Shown]


@dataclass(frozen=True)
class ListenerFigures:
    """What a listener is asked now, in words: `figures` as `Client.elb_figures` tells them."""

    figures: JSON

    @property
    def protocol(self) -> str:
        return {"http": "HTTP", "tcp": "TCP", "udp": "UDP"}[self.figures["layer"]]

    @property
    def rate(self) -> str:
        each = {"http": _("requests"), "tcp": _("connections"), "udp": _("sessions")}[self.figures["layer"]]
        return f"{_number(self.figures['perSecond'])} {each}"

    @property
    def failed(self) -> str:
        """`0.4 %`; "" where no request is looked into."""
        share = self.figures["failedShare"]
        return "" if share is None else f"{100 * share:.1f} %"

    @property
    def is_failing(self) -> bool:
        return bool(self.figures["failedShare"])

    @property
    def latency(self) -> str:
        """Of half of the requests and of 99 in 100; "" while there were none."""
        half, most = self.figures["p50"], self.figures["p99"]
        return "" if half is None or not self.figures["total"] else f"{_number(half)} / {_number(most)} ms"

    @property
    def bytes(self) -> str:
        received, sent = (_bytes(self.figures[name]) for name in ("receivedPerSecond", "sentPerSecond"))
        return f"{received} / {sent}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def listeners(client: Client, row: ElbRow, known: Known, *, now: datetime) -> list[ListenerView]:
    """Ports and whose they are, as the controller says; rules and backends of what the visitor may see."""
    bound = {(one.port, one.protocol): one for one in bindings.bind(_chosen(client, row)).listeners}
    found = []
    for told in row.listeners:
        refs = [ref_of(one) for one in told.get("workloads") or ()]
        listener = bound.get((told["port"], told["protocol"]))
        seen = listener.owners if listener else []
        found.append(
            ListenerView(
                port=told["port"],
                protocol=told["protocol"],
                lines=_lines(listener, known) if listener else [],
                hidden=[ref for ref in refs if ref not in seen],
                certificates=[_shown(client, name, now=now) for name in told.get("certificates") or ()],
            )
        )
    return found


def pods_behind(listeners: Iterable[ListenerView]) -> set[str]:
    """Uids of the pods that requests go to, or will."""
    lines = (line for listener in listeners for line in listener.lines)
    return {one.uid for line in lines for one in line.backends.endpoints if one.uid}


def _chosen(client: Client, row: ElbRow) -> list[JSON]:
    """What of the visitor's own is reached here."""
    every = [row.obj, *(elb for elb in client.list("ELB").items if elb["metadata"]["uid"] != row.uid)]
    found = []
    for kind in ("Service", "Ingress"):
        for obj in _list(client, kind):
            chosen = bindings.choose(obj, every)[0] if bindings.is_exposed(obj) else None
            if chosen is not None and chosen["metadata"]["uid"] == row.uid:
                found.append(obj)
    return found


def _list(client: Client, kind: str) -> Iterable[JSON]:
    selector = "spec.type=LoadBalancer" if kind == "Service" else ""
    try:
        return client.list(kind, field_selector=selector).items
    except Forbidden:
        return []


def _lines(listener: Listener, known: Known) -> list[RouteLine]:
    if listener.backend:
        return [_line("", listener.backend, listener.owners[0], known)]
    return [
        _line(f"{host or _('any host')}{route.path}", route.backend, route.owner, known, exact=route.exact)
        for host in sorted(listener.hosts, key=lambda host: (host == bindings.ANY_HOST, host))
        for route in listener.hosts[host]
    ]


def _line(where: str, backend: Backend | None, owner: Ref, known: Known, *, exact: bool = False) -> RouteLine:
    namespace, service = (backend.namespace, backend.service) if backend else ("", "")
    return RouteLine(
        where=where,
        exact=exact,
        redirect=backend is None,
        owner=owner,
        namespace=namespace,
        service=service,
        port=str(backend.port) if backend else "",
        backends=known.get((namespace, service), NOBODY),
    )


def _shown(client: Client, named: str, *, now: datetime) -> Shown:
    namespace, _slash, name = named.partition("/")
    url = page_of("Secret", namespace, name)
    try:
        secret = client.get("Secret", name, namespace)
    except Forbidden:
        return Shown(named, url)
    except NotFound:
        return Shown(named, "", wrong=_("does not exist"))
    wrong = certificates.problem(secret, now=now)
    try:
        held = certificates.read(secret)
    except Broken:
        return Shown(named, url, wrong=wrong)
    return Shown(named, url, held.subject, held.names, held.ends, wrong)


def _problem_words(count: int) -> str:
    words = ngettext("%(count)d thing is not as it was asked", "%(count)d things are not as they were asked", count)
    return words % {"count": count}
