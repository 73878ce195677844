"""A workload of a draft in short sentences, for the summary beside the form and before one confirms."""

from __future__ import annotations

from django.utils.translation import gettext as _

from billing.client import Rate
from console.forms.deployments import DeploymentDraft
from console.forms.workloads import WorkloadDraft

Facts = list[tuple[str, str]]


def pods(draft: WorkloadDraft, size: str) -> str:
    """`2 × 1 core · 2 GiB`."""
    if isinstance(draft, DeploymentDraft):
        return f"{draft.replicas} × {size}"
    return size


def facts(draft: WorkloadDraft) -> Facts:
    if isinstance(draft, DeploymentDraft):
        return [(_("Access"), _("nobody from outside")), (_("Upgrades"), _upgrades(draft))]
    return []


def price_note(draft: WorkloadDraft, rate: Rate | None) -> str:
    """What the price an hour does not say by itself."""
    return ""


def _upgrades(draft: DeploymentDraft) -> str:
    if draft.strategy == "Recreate":
        return _("replace all pods at once")
    words = {"unavailable": draft.max_unavailable, "surge": draft.max_surge}
    return _("rolling, %(unavailable)s unavailable and %(surge)s extra at most") % words
