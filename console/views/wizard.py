"""What stands on the pages of the forms that create: choices, steps, prices, the same as YAML. Reads, never writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.client import Rate
from console import manifests
from console.forms import namespaces
from console.forms.deployments import ENV_SOURCES, STEPS, ContainerDraft, DeploymentDraft
from console.forms.drafts import FieldError
from console.forms.namespaces import NamespaceDraft
from console.forms.sizes import CARDS, FREE
from console.sizes import Size
from workloads.client import Client, HostImage
from workloads.kinds.podspecs import Specification
from workloads.kinds.podspecs import parse as parse_specification

_FIRST_FIELDS = {"basic": "name", "access": "access", "advanced": "strategy", "confirm": "confirm"}
_ADVANCED_OF_NAMESPACE = ("warm_pool_size", "recycle_hours")


@dataclass(frozen=True)
class SizeOffer:
    """A pod specification that can be had, with its price."""

    value: str
    title: str
    rate: Rate | None


@dataclass(frozen=True)
class StepItem:
    name: str
    title: str
    current: bool
    done: bool


def first_field(step: str) -> str:
    return _FIRST_FIELDS[step]


def namespace_context(client: Client, draft: NamespaceDraft, errors: Iterable[FieldError]) -> dict[str, Any]:
    have, limit = client.count("Namespace"), client.namespace_limit()
    return {
        "draft": draft,
        "focus": "name",
        "cidr_problem": namespaces.cidr_problem(draft.cidr) if draft.cidr else "",
        "free": namespaces.free_addresses(draft.cidr) if draft.cidr else None,
        "advanced_open": any(error.field in _ADVANCED_OF_NAMESPACE for error in errors),
        "warm_pool_most": settings.WARM_POOL,
        "have": have,
        "quota": ngettext(
            "You have %(have)d of %(limit)d namespace.", "You have %(have)d of %(limit)d namespaces.", limit
        )
        % {"have": have, "limit": limit},
        "full": have >= limit,
    }


def deployment_context(client: Client, draft: DeploymentDraft, step: str, names: Sequence[str]) -> dict[str, Any]:
    at = STEPS.index(step)
    titles = step_titles()
    images = client.images()
    following = STEPS[at + 1] if at + 1 < len(STEPS) else ""
    yaml = manifests.text(draft.manifests()[0])
    return {
        "draft": draft,
        "step": step,
        "steps": [StepItem(name, titles[name], name == step, STEPS.index(name) < at) for name in STEPS],
        "previous_step": STEPS[at - 1] if at else "",
        "next_step": following or "submit",
        "next_title": titles.get(following, ""),
        "namespaces": _namespace_choices(draft, names),
        "back": _list_of(draft.namespace if draft.namespace in names else ""),
        "sizes": [_offer(specification) for value in CARDS if (specification := parse_specification(value))],
        "size_free": draft.size.choice == FREE,
        "size_words": size_words(draft),
        "size_rules": draft.size.rules(),
        "nearest": [_offer(specification) for specification in draft.size.nearest()],
        "rate": rate_of(draft),
        "images": [image.name for image in images],
        "containers": [_container_item(index, one, images) for index, one in enumerate(draft.containers)],
        "pull_policies": [
            ("IfNotPresent", _("when it is not on this host")),
            ("Always", _("at every start")),
            ("Never", _("never: use what is here")),
        ],
        "env_sources": [
            ("value", _("a value")),
            *((name, words) for name, words in zip(ENV_SOURCES, (_("the pod's IP"), _("the pod's name")), strict=True)),
        ],
        "yaml": yaml,
        "command": f"kubectl create -f - <<'EOF'\n{yaml}EOF",
    }


def step_titles() -> dict[str, str]:
    return {
        "basic": _("Basic information"),
        "access": _("Access"),
        "advanced": _("Advanced"),
        "confirm": _("Confirm"),
    }


def rate_of(draft: DeploymentDraft) -> Rate | None:
    """What the bill will count for all the pods; None while the size or the number is none that can be had."""
    specification = draft.size.specification
    if specification is None or not draft.replicas.readable or draft.replicas.value < 0:
        return None
    return _size(specification).rate(pods=draft.replicas.value)


def size_words(draft: DeploymentDraft) -> str:
    """`1 core · 2 GiB`."""
    specification = draft.size.specification
    return str(_size(specification)) if specification else "?"


def _size(specification: Specification) -> Size:
    return Size(specification.cpu_millis, specification.memory_mib)


def _offer(specification: Specification) -> SizeOffer:
    size = _size(specification)
    return SizeOffer(specification.annotation(), str(size), size.rate())


def _namespace_choices(draft: DeploymentDraft, names: Sequence[str]) -> list[tuple[str, str]]:
    """One that went meanwhile stays chosen and says so: choosing another one silently would be worse."""
    gone = [(draft.namespace, _("%(name)s (gone)") % {"name": draft.namespace})]
    return [*((name, name) for name in names), *(gone if draft.namespace not in names else [])]


def _list_of(namespace: str) -> str:
    """The page one came from, most likely."""
    if not namespace:
        return reverse("console:all-deployments")
    return reverse("console:deployments", kwargs={"namespace": namespace})


def _container_item(index: int, container: ContainerDraft, images: Sequence[HostImage]) -> dict[str, Any]:
    prefix = f"containers-{index}-"
    return {
        "index": index,
        "number": str(index),
        "prefix": prefix,
        "draft": container,
        "here": _on_this_host(container, images),
        "start_open": bool(container.command or container.args or container.working_dir),
        "env": [{"prefix": f"{prefix}env-{row}-", "draft": variable} for row, variable in enumerate(container.env)],
        "variables": len(container.variables),
    }


def _on_this_host(container: ContainerDraft, images: Sequence[HostImage]) -> str:
    """`2.0 MB`, or "" when it is not known to be here."""
    reference = container.reference
    name = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
    return next((filesizeformat(image.size_bytes) for image in images if image.name == name), "")
