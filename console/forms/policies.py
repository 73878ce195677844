"""A policy as it is typed: name, description and a document in JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.forms.drafts import FieldError, text
from console.iamrefusals import spoken
from iam import people
from iam.policies import VERSION
from workloads.meta import manifests
from workloads.meta.manifests import ManifestError

JSON = dict[str, Any]


def _document(*statements: JSON) -> JSON:
    return {"Version": VERSION, "Statement": list(statements)}


_ALL = ["CCI:*:*"]
_SHOP = ["CCI:*:*:namespace:shop-*"]
BEGINNINGS: dict[str, tuple[str | Promise, JSON]] = {
    "read": (_("Read everything"), _document({"Effect": "Allow", "Action": ["CCI:*:get", "CCI:*:list"]})),
    "namespaces": (
        _("Work in some namespaces"),
        _document({"Effect": "Allow", "Action": _ALL, "Resource": _SHOP}),
    ),
    "no-secrets": (
        _("Everything but Secrets"),
        _document({"Effect": "Allow", "Action": _ALL}, {"Effect": "Deny", "Action": ["CCI:secret:*"]}),
    ),
    "deploy": (
        _("Deploy and look"),
        _document(
            {"Effect": "Allow", "Action": ["CCI:*:get", "CCI:*:list"]},
            {"Effect": "Allow", "Action": ["CCI:deployment:*", "CCI:pod:delete"], "Resource": _SHOP},
        ),
    ),
}
"""Documents to begin with, each with its words."""


@dataclass(frozen=True)
class PolicyDraft:
    name: str
    description: str
    typed: str
    """The document."""
    since: str = ""
    """When it was changed last, as the form knows it."""

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> PolicyDraft:
        typed = fields.get("document", "").replace("\r\n", "\n").replace("\0", "")
        return cls(text(fields, "name"), text(fields, "description"), typed, text(fields, "since"))

    @classmethod
    def of(cls, name: str, description: str, document: JSON, *, since: datetime | None = None) -> PolicyDraft:
        return cls(name, description, shown(document), since.isoformat() if since else "")

    @property
    def moment(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self.since) if self.since else None
        except ValueError:
            return None

    def document(self) -> JSON:
        """Raises ManifestError for what is neither JSON nor YAML of one value, or says a key twice."""
        typed = self.typed.strip()
        if not typed:
            raise ManifestError(gettext("write what is allowed, or begin with one of the examples"))
        is_json = typed.startswith("{")
        found = manifests.parse_json(typed.encode(), find_duplicates=True) if is_json else manifests.parse_yaml(typed)
        if found.duplicates:
            raise ManifestError(gettext("%(key)s stands twice: keep one of them") % {"key": found.duplicates[0]})
        value: JSON = found.value
        return value

    def problems(self) -> list[FieldError]:
        """By the rules with which the server takes it. What is wrong inside of the document names its place in it."""
        try:
            wrong = people.policy_problems(self.name, document=self.document(), description=self.description)
        except ManifestError as error:
            wrong = people.policy_problems(self.name, document=_EMPTY, description=self.description)
            return [*placed(wrong), FieldError("document", spoken(str(error)))]
        return placed(wrong)


_EMPTY = _document({"Effect": "Allow", "Action": _ALL})


def placed(wrong: Mapping[str, str]) -> list[FieldError]:
    """At the form's fields: all paths lead to `document`."""
    return [_placed(path, sentence) for path, sentence in wrong.items()]


def _placed(path: str, sentence: str) -> FieldError:
    if path in ("name", "description", "document"):
        return FieldError(path, spoken(sentence))
    return FieldError("document", f"{path} {sentence}.")


def shown(document: Any) -> str:
    """As pages show it: short lists on a line of their own entries."""
    return json.dumps(document, indent=2, ensure_ascii=False)
