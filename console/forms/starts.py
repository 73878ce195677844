"""What a form of a workload can begin with: a site, a worker, a batch. Plain fields, as a browser posts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.forms import access, handlers
from console.forms.drafts import Fields


@dataclass(frozen=True)
class Start:
    name: str
    title: str | Promise
    note: str | Promise
    fields: Mapping[str, str]


_WEB = {
    "replicas": "2",
    "containers-0-name": "web",
    "containers-0-readiness-way": handlers.HTTP,
    "containers-0-readiness-path": "/",
    "containers-0-readiness-port": "80",
    "access": access.PUBLIC,
    "access-port-0-port": "80",
    "access-path-0-path": "/",
}
_WORKER = {
    "replicas": "1",
    "containers-0-name": "worker",
    "access": access.NONE,
    "max_unavailable": "0",
    "max_surge": "1",
    "grace_seconds": "120",
}
_BATCH = {"containers-0-name": "job", "retries": "3", "timeout": "3600", "ttl": "86400"}
STARTS: dict[str, tuple[Start, ...]] = {
    "Deployment": (
        Start("web", _("Web"), _("Two pods with a readiness check, reached from outside by HTTP."), _WEB),
        Start("worker", _("Worker"), _("One pod that nobody calls and that may end its work in two minutes."), _WORKER),
    ),
    "Job": (Start("job", _("Job"), _("Three retries, an hour at most, removed a day after its end."), _BATCH),),
}
"""By kind."""


def fields(kind: str, name: str) -> Fields:
    """Nothing for a name that there is not."""
    return next((dict(start.fields) for start in STARTS.get(kind, ()) if start.name == name), {})
