"""The forms of workloads that are there already: the same drafts, without what is changed elsewhere (the access of a
Deployment has its own tab) or not at all (name and namespace)."""

from __future__ import annotations

from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError
from console.forms.jobs import CronJobDraft


class DeploymentEdit(DeploymentDraft):
    STEPS = ("basic", "advanced", "confirm")

    def _sleepless(self) -> list[FieldError]:
        """Who wakes it is not known here."""
        return []


class CronJobEdit(CronJobDraft):
    pass
