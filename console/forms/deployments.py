"""Create a Deployment from an image: four steps, one manifest, and those of the access to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from console.forms import access
from console.forms.access import AccessDraft
from console.forms.drafts import JSON, FieldError, Fields, Whole, text
from console.forms.parts import Part
from console.forms.podtemplates import PodDraft
from console.forms.workloads import WorkloadDraft, head
from workloads.kinds import sleeping


@dataclass(frozen=True)
class DeploymentDraft(WorkloadDraft):
    replicas: Whole
    strategy: str
    max_unavailable: str
    max_surge: str
    sleep_after: str
    access: AccessDraft

    KIND = "Deployment"
    STEPS: ClassVar[tuple[str, ...]] = ("basic", "access", "advanced", "confirm")
    PLACES = {
        "spec.replicas": "replicas",
        "spec.strategy.rollingUpdate.maxUnavailable": "max_unavailable",
        "spec.strategy.rollingUpdate.maxSurge": "max_surge",
        "spec.strategy": "strategy",
        sleeping.field(sleeping.AFTER): "sleep_after",
    }
    ON_STEP = dict.fromkeys(("strategy", "max_unavailable", "max_surge", "sleep_after", *PodDraft.SETTINGS), "advanced")

    @classmethod
    def read(cls, fields: Fields) -> DeploymentDraft:
        return cls(
            **head(fields),
            pod=PodDraft.read(fields),
            replicas=Whole.read(fields, "replicas", 2),
            strategy=text(fields, "strategy", "RollingUpdate"),
            max_unavailable=text(fields, "max_unavailable", "25%"),
            max_surge=text(fields, "max_surge", "25%"),
            sleep_after=text(fields, "sleep_after"),
            access=AccessDraft.read(fields, name=text(fields, "name")),
        )

    @property
    def pods(self) -> int | None:
        return self.replicas.value if self.replicas.readable and self.replicas.value >= 0 else None

    def problems(self) -> list[FieldError]:
        replicas = self.replicas.problems("replicas", _("The number of pods"))
        return super().problems() + replicas + self.access.problems() + self._sleepless()

    def _sleepless(self) -> list[FieldError]:
        if not self.sleep_after or self.access.reach != access.NONE:
            return []
        return [
            FieldError("sleep_after", _("Nothing could wake it: choose internal or public access, or leave it empty."))
        ]

    def _manifest(self) -> JSON:
        metadata = self._metadata()
        if self.sleep_after:
            metadata.setdefault("annotations", {})[sleeping.AFTER] = self.sleep_after
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": self.replicas.value,
                "selector": {"matchLabels": self._labels()},
                "strategy": self._strategy(),
                "template": self.pod.template(self._labels()),
            },
        }

    def _first(self) -> list[Part]:
        return self.access.first_parts()

    def _last(self) -> list[Part]:
        return self.access.parts(self.namespace, self._labels())

    def step_of(self, field: str) -> str:
        return access.STEP if field.startswith(access.STEP) else super().step_of(field)

    def _strategy(self) -> JSON:
        if self.strategy == "Recreate":
            return {"type": "Recreate"}
        rolling = {"maxUnavailable": _count(self.max_unavailable), "maxSurge": _count(self.max_surge)}
        return {"type": self.strategy, "rollingUpdate": rolling}


def _count(value: str) -> int | str:
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value
