"""Services and Ingresses as lists and details show them: where they are reached, and who stands behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.backends import NOBODY, Backends, Known
from console.doors import Door, Problem, Reach, Reaches
from console.rows import Row
from console.states import State
from workloads.client import JSON
from workloads.kinds import services
from workloads.kinds.servicespecs import EXTERNAL_NAME, LOAD_BALANCER
from workloads.routing import bindings

_REJECTED = "ProxyRejected"
_SOFT = ("CertificateInvalid", "BackendNotFound")
"""Problems of something that serves, though not all of it."""


@dataclass(frozen=True)
class ReachedRow(Row):
    """What Services and Ingresses have in common: `reach` is what ELBs say of it."""

    reach: Reach = field(default_factory=Reach)

    @property
    def doors(self) -> list[Door]:
        return self.reach.doors

    @property
    def problem(self) -> Problem | None:
        return self.reach.problems[0] if self.reach.problems else None

    def unserved(self) -> State | None:
        """Why an ELB does not, or not wholly, serve it; None while all is well."""
        if self.leaving:
            return State(_("Terminating"), tone="busy", shape="ring")
        if not self.doors:
            if self.problem:
                return State(_("Not reached"), self.problem.message, "bad", "diamond", advice=_advice(self.problem))
            return State(_("Pending"), _("waits for its place on an ELB; its events say more"), "busy", "hollow")
        if self.problem and self.problem.reason == _REJECTED:
            return State(_("Rejected"), self.problem.message, "bad", "diamond")
        if self.problem:
            return State(_("Reached"), self.problem.message, "warn", "triangle", advice=_advice(self.problem))
        return None


@dataclass(frozen=True)
class ServiceRow(ReachedRow):
    backends: Backends = NOBODY

    @cached_property
    def state(self) -> State:
        wrong = self.unserved() if self.is_exposed else None
        return wrong or self.inside

    @cached_property
    def inside(self) -> State:
        """Of who stands behind it, however it is reached."""
        if self.leaving:
            return State(_("Terminating"), tone="busy", shape="ring")
        if self.type == EXTERNAL_NAME:
            return State(
                _("Alias"), _("of %(name)s") % {"name": self.obj["spec"].get("externalName", "")}, "idle", "square"
            )
        if self.backends.ready:
            return State(_("Serving"), tone="ok")
        if self.backends.total:
            return State(_("Nobody ready"), _("no pod behind it is ready"), "warn", "triangle", advice=_look())
        said = _("no pod has its labels") if self.selector else _("nobody wrote an endpoint")
        return State(_("Nobody there"), said, "warn", "triangle", advice=_look())

    @property
    def type(self) -> str:
        return str(self.obj["spec"].get("type", "ClusterIP"))

    @property
    def is_exposed(self) -> bool:
        return self.type == LOAD_BALANCER and bindings.is_exposed(self.obj)

    @property
    def selector(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in sorted((self.obj["spec"].get("selector") or {}).items()))

    @property
    def address(self) -> str:
        """Inside; "" for an alias and for a headless one."""
        return "" if services.is_headless(self.obj) else str(self.obj["spec"].get("clusterIP", ""))

    @property
    def is_headless(self) -> bool:
        return services.is_headless(self.obj)

    @property
    def ports(self) -> list[JSON]:
        return list(self.obj["spec"].get("ports") or ())

    @property
    def port_words(self) -> str:
        return ", ".join(f"{port['port']}/{port['protocol']}" for port in self.ports)

    @property
    def dns(self) -> str:
        return f"{self.name}.{self.namespace}.svc.cluster.local"

    @property
    def behind(self) -> str:
        """`2/3`; "" for an alias."""
        return "" if self.type == EXTERNAL_NAME else f"{self.backends.ready}/{self.backends.total}"


@dataclass(frozen=True)
class Rule:
    """A line of an Ingress: which requests go where."""

    host: str
    """"" for any."""
    path: str
    how: str
    service: str
    port: str
    door: Door | None
    """Where it is reached; None while it is not."""
    backends: Backends

    @property
    def where(self) -> str:
        return f"{self.host or _('any host')}{self.path}"

    @property
    def url(self) -> str:
        """Where a browser finds it; "" while it is not reached, and of all the names that a wildcard stands for."""
        return self.address if "*" not in self.host else ""

    @property
    def address(self) -> str:
        """To read and to copy; "" while it is not reached."""
        return self.door.url(self.host, self.path) if self.door else ""


@dataclass(frozen=True)
class IngressRow(ReachedRow):
    known: Known = field(default_factory=dict)

    @cached_property
    def state(self) -> State:
        if not bindings.is_exposed(self.obj) and not self.leaving:
            said = _("its class %(name)s is not of this installation") % {"name": self.ingress_class}
            return State(_("Not ours"), said, "idle", "square")
        if wrong := self.unserved():
            return wrong
        idle = sorted({rule.service for rule in self.rules if not rule.backends.ready})
        if idle:
            words = {"names": ", ".join(idle), "count": len(idle)}
            said = ngettext("no pod is ready behind %(names)s", "no pod is ready behind %(names)s", len(idle)) % words
            return State(_("Reached"), said, "warn", "triangle", advice=_look())
        return State(_("Serving"), tone="ok")

    @property
    def ingress_class(self) -> str:
        return str(self.obj["spec"].get("ingressClassName") or "")

    @property
    def hosts(self) -> list[str]:
        found = [rule.get("host") or _("any host") for rule in self.obj["spec"].get("rules") or ()]
        if self.obj["spec"].get("defaultBackend"):
            found.append(_("anything else"))
        return list(dict.fromkeys(found))

    @property
    def certificates(self) -> list[str]:
        named = [tls.get("secretName", "") for tls in self.obj["spec"].get("tls") or ()]
        return [name for name in dict.fromkeys(named) if name]

    @cached_property
    def rules(self) -> list[Rule]:
        spec = self.obj["spec"]
        found = [
            self._rule(rule.get("host", ""), path.get("path") or "/", path["pathType"], path["backend"])
            for rule in spec.get("rules") or ()
            for path in (rule.get("http") or {}).get("paths") or ()
        ]
        if default := spec.get("defaultBackend"):
            found.append(self._rule("", "/", "", default))
        return found

    @property
    def service_names(self) -> list[str]:
        return list(dict.fromkeys(rule.service for rule in self.rules))

    def _rule(self, host: str, path: str, how: str, backend: JSON) -> Rule:
        service = backend["service"]
        port = service.get("port") or {}
        return Rule(
            host=host,
            path=path,
            how=how,
            service=service["name"],
            port=str(port.get("name") or port.get("number") or ""),
            door=self._door,
            backends=self.known.get((self.namespace, service["name"]), NOBODY),
        )

    @cached_property
    def _door(self) -> Door | None:
        """The one people are to use: with a certificate, if there is one."""
        return min(self.doors, key=lambda door: (door.protocol != "HTTPS", door.port), default=None)


def service_row(service: JSON, reaches: Reaches, known: Known) -> ServiceRow:
    metadata = service["metadata"]
    reach = reaches.get(bindings.ref(service), Reach())
    return ServiceRow(service, reach, known.get((metadata["namespace"], metadata["name"]), NOBODY))


def ingress_row(ingress: JSON, reaches: Reaches, known: Known) -> IngressRow:
    return IngressRow(ingress, reaches.get(bindings.ref(ingress), Reach()), known)


def _look() -> str:
    return _("Look at its backends: a pod counts when it is ready.")


def _advice(problem: Problem) -> str:
    return {
        "ListenerPortRepeated": _("Give it another port, path or ELB, or delete the other one."),
        "CertificateInvalid": _("Mend the Secret: the new certificate is taken at once."),
        "BackendNotFound": _("Make the Service, or name another one."),
    }.get(problem.reason, "")
