"""What people changed lately: the newest writes of the audit trail, one line each, as somebody would say it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from console import sections
from console.access import Visit
from iam import trails
from iam.errors import NotAdministrator
from iam.models import AuditEntry

_LOOKED_AT = 80
"""Entries of the trail; those that say the same of one object, one after the other, are one line."""
_TOLD = {*sections.PAGES, *sections.OF_ACCOUNT, "Namespace"} - {"Pod"}
_IMAGE = re.compile(r"spec\.(?:.*\.)?containers\[\d+\]\.image")
_REPLICAS = ("spec.replicas", "spec.parallelism")
_RESTARTED = "spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt"
_SIZE = re.compile(
    r"spec\.(?:.*\.)?(?:annotations\.resource\.cci\.io/pod-size-specs|resources\.(?:limits|requests)\..*)"
)


@dataclass(frozen=True)
class News:
    entry: AuditEntry
    words: str
    url: str
    """Where its object is shown; "" once it is gone."""

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def name(self) -> str:
        return self.entry.name


def latest(visit: Visit, *, shown: int) -> list[News] | None:
    """The newest first; None for who may not read the trail."""
    try:
        entries = trails.search(visit.identity, outcome="done", limit=_LOOKED_AT)
    except NotAdministrator:
        return None
    told: dict[tuple[str, ...], News] = {}
    gone: set[tuple[str, str, str]] = set()
    for entry in entries:
        place = (entry.kind, entry.namespace, entry.name)
        if entry.kind in _TOLD and entry.name:
            said = words(entry.action, entry.changes)
            if entry.action.endswith(":delete"):
                gone.add(place)
            url = "" if place in gone else sections.page_of(*place)
            told.setdefault((*place, entry.user, said), News(entry, said, url))
    return list(told.values())[:shown]


def words(action: str, changes: list[dict[str, Any]]) -> str:
    """`created`, `image web:2.3 → web:2.4`, `pods 2 → 3`: the most telling of what a write changed."""
    verb = action.rpartition(":")[2]
    if verb == "create":
        return _("created")
    if verb == "delete":
        return _("deleted")
    found = {str(one.get("path", "")): one for one in changes}
    for path, one in found.items():
        if _IMAGE.fullmatch(path):
            return _("image %(before)s → %(after)s") % _sides(one)
    for path in _REPLICAS:
        if path in found:
            return _("pods %(before)s → %(after)s") % _sides(found[path])
    if _RESTARTED in found:
        return _("restarted")
    if any(_SIZE.fullmatch(path) for path in found):
        return _("another size of its pods")
    if suspended := found.get("spec.suspend"):
        return _("suspended") if suspended.get("after") else _("resumed")
    return _("changed")


def _sides(change: dict[str, Any]) -> dict[str, str]:
    """An image by its last part."""
    return {side: str(change.get(side, "--")).rpartition("/")[2] for side in ("before", "after")}
