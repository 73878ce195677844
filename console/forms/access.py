"""How a workload is reached: not at all, inside of its namespace, or from outside through an ELB. Makes a Service and,
for layer 7, an Ingress; and a new ELB, if one is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, rows, text
from console.forms.elbs import ElbDraft
from console.forms.parts import Part
from workloads.kinds import elbannotations, ingressclasses

Row = TypeVar("Row")
NONE, INTERNAL, PUBLIC = "none", "internal", "public"
LAYER_4, LAYER_7 = "4", "7"
DEFAULT, NEW = "default", "new"
HTTP, HTTPS = "HTTP", "HTTPS"
EXACT, PREFIX = "Exact", "Prefix"
LONGEST_LABEL, LONGEST_DOMAIN = 34, 100
STEP = "access"
"""The step of the wizard, and how the names of all these fields begin."""

_OF_ELB = {"metadata.name": "access-elb_name", "": "access-elb"}
_OF_INGRESS = {
    "metadata.name": "access-ingress",
    "metadata.annotations[kubernetes.io/elb.port]": "access-elb_port",
    "metadata.annotations[elb.cci.io/name]": "access-elb_name",
    "metadata.annotations": "access-elb",
    "spec.rules[0].host": "access-domain",
    "spec.tls[0].hosts": "access-domain",
    "spec.tls[0].secretName": "access-certificate",
    "spec.tls": "access-certificate",
    "": "access-ingress",
}
_OF_SERVICE = {
    "metadata.name": "access-service",
    "metadata.annotations[kubernetes.io/elb.port]": "access-elb_port",
    "metadata.annotations[elb.cci.io/name]": "access-elb_name",
    "metadata.annotations": "access-elb",
    "": "access-service",
}


@dataclass(frozen=True)
class PortDraft:
    """An access port and the container's port behind it: the same where nothing is said."""

    port: str = ""
    target: str = ""
    protocol: str = "TCP"

    @property
    def number(self) -> int | None:
        return int(self.port) if re.fullmatch("[0-9]{1,9}", self.port, re.ASCII) else None

    def spec(self, *, named: bool) -> JSON:
        target = self.target or self.port
        said: JSON = {"name": f"{self.protocol.lower()}-{self.port}"} if named else {}
        number = int(target) if re.fullmatch("[0-9]{1,9}", target, re.ASCII) else target
        return {**said, "port": self.number or 0, "targetPort": number, "protocol": self.protocol}


@dataclass(frozen=True)
class PathDraft:
    """A path and the access port it leads to: the first one where nothing is said."""

    path: str = "/"
    port: str = ""
    how: str = PREFIX


@dataclass(frozen=True)
class AccessDraft:
    reach: str = NONE
    service: str = ""
    ports: tuple[PortDraft, ...] = (PortDraft(port="80"),)
    layer: str = LAYER_7
    elb: str = DEFAULT
    """DEFAULT, NEW, or an ELB's id."""
    elb_name: str = ""
    elb_port: str = ""
    ingress: str = ""
    domain: str = ""
    scheme: str = HTTP
    certificate: str = ""
    paths: tuple[PathDraft, ...] = (PathDraft(),)

    @classmethod
    def read(cls, fields: Fields, *, name: str = "", reach: str = NONE) -> AccessDraft:
        """`name` of the workload is what Service and Ingress are called where nothing is typed."""
        ports = tuple(_port(fields, f"access-port-{row}-") for row in rows(fields, "access-port-"))
        paths = tuple(_path(fields, f"access-path-{row}-") for row in rows(fields, "access-path-"))
        return cls(
            reach=text(fields, "access", reach),
            service=text(fields, "access-service") or name,
            ports=ports or cls.ports,
            layer=text(fields, "access-layer", LAYER_7),
            elb=text(fields, "access-elb", DEFAULT),
            elb_name=text(fields, "access-elb_name"),
            elb_port=text(fields, "access-elb_port"),
            ingress=text(fields, "access-ingress") or name,
            domain=text(fields, "access-domain"),
            scheme=text(fields, "access-scheme", HTTP),
            certificate=text(fields, "access-certificate"),
            paths=paths or cls.paths,
        )

    @property
    def is_public(self) -> bool:
        return self.reach == PUBLIC

    @property
    def by_host(self) -> bool:
        return self.is_public and self.layer == LAYER_7

    @property
    def url(self) -> str:
        """Where it will be reached by layer 7, as far as it is known."""
        return self.url_at(_("the ELB’s address"))

    def url_at(self, address: str) -> str:
        """`address` of the ELB stands for the domain where none is said."""
        port = f":{self.elb_port}" if self.elb_port and self.elb_port != self._usual_port else ""
        return f"{self.scheme.lower()}://{self.domain or address}{port}{self.paths[0].path}"

    @property
    def _usual_port(self) -> str:
        return "443" if self.scheme == HTTPS else "80"

    def problems(self) -> list[FieldError]:
        return [] if self.reach == NONE else list(self._problems())

    def first_parts(self) -> list[Part]:
        """What is there before the workload: a new ELB."""
        if not self.is_public or self.elb != NEW:
            return []
        return [Part(ElbDraft(name=self.elb_name).manifests()[0], _OF_ELB)]

    def parts(self, namespace: str, selector: Mapping[str, str]) -> list[Part]:
        if self.reach == NONE:
            return []
        service = Part(self._service(namespace, selector), _OF_SERVICE)
        return [service, Part(self._ingress(namespace), _OF_INGRESS)] if self.by_host else [service]

    def _problems(self) -> Iterator[FieldError]:
        if not self.service:
            yield FieldError("access-service", _("Give the Service a name: lower-case letters, digits and “-”."))
        for index, port in enumerate(self.ports):
            if port.number is None:
                yield FieldError(f"access-port-{index}-port", _("The access port is a number from 1 to 65535."))
        if not self.is_public:
            return
        if self.elb == NEW and not self.elb_name:
            yield FieldError("access-elb_name", _("Give the new ELB a name: lower-case letters, digits and “-”."))
        yield from self._layer_7_problems() if self.by_host else self._layer_4_problems()

    def _layer_4_problems(self) -> Iterator[FieldError]:
        if self.elb_port and len(self.ports) > 1:
            said = _("With several access ports each is reached on its own number: leave this empty.")
            yield FieldError("access-elb_port", said)

    def _layer_7_problems(self) -> Iterator[FieldError]:
        if not self.ingress:
            yield FieldError("access-ingress", _("Give the Ingress a name: lower-case letters, digits and “-”."))
        if said := domain_problem(self.domain):
            yield FieldError("access-domain", said)
        if self.scheme == HTTPS and not self.certificate:
            said = _("HTTPS shows a certificate: choose a Secret of the type kubernetes.io/tls.")
            yield FieldError("access-certificate", said)
        known = [port.port for port in self.ports if port.protocol == "TCP"]
        for index, path in enumerate(self.paths):
            if (path.port or self.ports[0].port) not in known:
                said = _("This is none of the access ports above that speak TCP.")
                yield FieldError(f"access-path-{index}-port", said)

    def _service(self, namespace: str, selector: Mapping[str, str]) -> JSON:
        metadata: JSON = {"name": self.service, "namespace": namespace}
        kind = "ClusterIP"
        if self.is_public and not self.by_host:
            metadata["annotations"], kind = self._annotations(), "LoadBalancer"
        ports = [port.spec(named=len(self.ports) > 1) for port in self.ports]
        spec = {"type": kind, "selector": dict(selector), "ports": ports}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def _ingress(self, namespace: str) -> JSON:
        rule: JSON = {"host": self.domain} if self.domain else {}
        rule["http"] = {"paths": [self._path(path) for path in self.paths]}
        spec: JSON = {"ingressClassName": ingressclasses.CCE, "rules": [rule]}
        if self.scheme == HTTPS:
            hosts = {"hosts": [self.domain]} if self.domain else {}
            spec["tls"] = [{**hosts, "secretName": self.certificate}]
        metadata = {"name": self.ingress, "namespace": namespace, "annotations": self._annotations()}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}

    def _path(self, path: PathDraft) -> JSON:
        port = path.port or self.ports[0].port
        number = int(port) if re.fullmatch("[0-9]{1,9}", port, re.ASCII) else 0
        backend = {"service": {"name": self.service, "port": {"number": number}}}
        return {"path": path.path, "pathType": path.how, "backend": backend}

    def _annotations(self) -> JSON:
        said = {elbannotations.ELB_CLASS: "elb"}
        if self.elb == NEW:
            said[elbannotations.ELB_NAME] = self.elb_name
        elif self.elb != DEFAULT:
            said[elbannotations.ELB_ID] = self.elb
        if self.elb_port:
            said[elbannotations.ELB_PORT] = self.elb_port
        return said


def domain_problem(domain: str) -> str:
    """Beyond what a host name is to the control plane: how long one may be here."""
    if len(domain) > LONGEST_DOMAIN:
        words = {"most": LONGEST_DOMAIN, "has": len(domain)}
        return _("A domain has at most %(most)d characters; this has %(has)d.") % words
    long = next((label for label in domain.split(".") if len(label) > LONGEST_LABEL), "")
    if not long:
        return ""
    said = _("Each part of a domain has at most %(most)d characters; “%(label)s” has more.")
    return said % {"most": LONGEST_LABEL, "label": long}


def pressed(draft: AccessDraft, go: str) -> tuple[AccessDraft, str]:
    """The draft after the button `go` (`add-port`, `remove-path-2`), and the field where one goes on."""
    found = re.fullmatch(r"(add|remove)-(port|path)(?:-([0-9]{1,3}))?", go, re.ASCII)
    if found is None:
        return draft, ""
    word, index = found[2], int(found[3]) if found[3] else None
    if word == "port":
        ports, row = _changed(draft.ports, PortDraft(), found[1], index)
        return replace(draft, ports=ports), f"access-port-{row}-port"
    paths, row = _changed(draft.paths, PathDraft(path=""), found[1], index)
    return replace(draft, paths=paths), f"access-path-{row}-path"


def _changed(have: tuple[Row, ...], fresh: Row, action: str, index: int | None) -> tuple[tuple[Row, ...], int]:
    """The rows and the one to go on in. The last one stays."""
    if action == "add":
        return (*have, fresh), len(have)
    if index is None or index >= len(have) or len(have) == 1:
        return have, 0
    return have[:index] + have[index + 1 :], max(0, index - 1)


def _port(fields: Fields, prefix: str) -> PortDraft:
    return PortDraft(
        text(fields, f"{prefix}port"), text(fields, f"{prefix}target"), text(fields, f"{prefix}protocol", "TCP")
    )


def _path(fields: Fields, prefix: str) -> PathDraft:
    return PathDraft(
        text(fields, f"{prefix}path") or "/", text(fields, f"{prefix}port"), text(fields, f"{prefix}how", PREFIX)
    )
