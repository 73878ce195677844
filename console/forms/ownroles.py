"""A Role as it is typed: its namespace, its name, and its rules in YAML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.forms.drafts import JSON, FieldError, text
from console.iamrefusals import spoken
from workloads.kinds.clusterroles import API_VERSION
from workloads.meta import manifests
from workloads.meta.manifests import ManifestError

_READ = ["get", "list", "watch"]


def _rule(group: str, resources: list[str], verbs: list[str], **rest: Any) -> JSON:
    return {"apiGroups": [group], "resources": resources, **rest, "verbs": verbs}


BEGINNINGS: dict[str, tuple[str | Promise, list[JSON]]] = {
    "pods": (_("Read pods and their logs"), [_rule("", ["pods", "pods/log"], _READ)]),
    "deploy": (
        _("Change Deployments"),
        [
            _rule("apps", ["deployments", "deployments/scale"], [*_READ, "create", "update", "patch"]),
            _rule("", ["pods", "pods/log", "events"], _READ),
        ],
    ),
    "one": (
        _("One ConfigMap by its name"),
        [_rule("", ["configmaps"], ["get", "update", "patch"], resourceNames=["settings"])],
    ),
}
"""Rules to begin with, each with its words."""


@dataclass(frozen=True)
class OwnRoleDraft:
    namespace: str
    name: str
    typed: str
    """The rules."""
    since: str = ""
    """The resourceVersion that is being changed; "" for a new one."""

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> OwnRoleDraft:
        typed = fields.get("rules", "").replace("\r\n", "\n").replace("\0", "")
        return cls(text(fields, "namespace"), text(fields, "name"), typed, text(fields, "since"))

    @classmethod
    def of(cls, role: JSON) -> OwnRoleDraft:
        metadata = role["metadata"]
        return cls(metadata["namespace"], metadata["name"], shown(role.get("rules") or []), metadata["resourceVersion"])

    def rules(self) -> Any:
        """Raises ManifestError for what is no YAML of one value, or says a key twice."""
        if not self.typed.strip():
            raise ManifestError(gettext("write what is allowed, or begin with one of the examples"))
        found = manifests.parse_yaml(self.typed)
        if found.duplicates:
            raise ManifestError(gettext("%(key)s stands twice: keep one of them") % {"key": found.duplicates[0]})
        if not isinstance(found.value, list):
            raise ManifestError(gettext("rules are a list: begin each with “- ”"))
        return found.value

    def problems(self) -> list[FieldError]:
        try:
            self.rules()
        except ManifestError as error:
            return [FieldError("rules", spoken(str(error)))]
        return []

    def manifest(self) -> JSON:
        """Raises ManifestError."""
        metadata = {"name": self.name, "namespace": self.namespace}
        if self.since:
            metadata["resourceVersion"] = self.since
        return {"apiVersion": API_VERSION, "kind": "Role", "metadata": metadata, "rules": self.rules()}

    def field_of(self, path: str) -> str:
        return {"metadata.name": "name", "metadata.namespace": "namespace"}.get(path, "rules")


def shown(rules: Any) -> str:
    """As forms show them."""
    return str(yaml.safe_dump(rules, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100))
