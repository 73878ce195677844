"""The pod specification step: which size a pod gets, by the grid, the namespace's flavor and the policy for the rest.

The containers stay as they were written; the size stands in annotations of the pod: its ceiling and bill, its cards,
and why it is another size than was asked for.
Templates are judged the same way, so that nobody learns from a pod that never comes what a Deployment could have said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings

from iam.models import Account
from workloads.admission import grid, hooks, rooms
from workloads.kinds import namespaces, podspecs
from workloads.kinds.base import Kind
from workloads.kinds.podspecs import Fit, OffGrid, Specification
from workloads.meta.errors import Invalid

JSON = dict[str, Any]


class Place(NamedTuple):
    """Where a pod, or a template of pods, stands in an object. `at` is its path, "" for the object itself."""

    pod: JSON
    at: str


def place_to_size(kind: Kind, new: JSON, old: JSON | None) -> Place | None:
    """What has to be sized: a new pod, or a template that is new or changed. A pod keeps its size for life."""
    if kind.name == "Pod":
        return Place(new, "") if old is None else None
    place = _template_of(new)
    if place is None or (old is not None and place == _template_of(old)):
        return None
    return place


def settle(kind: Kind, obj: JSON, place: Place, *, namespace: JSON, account: str) -> tuple[str, ...]:
    """Writes the size on a pod, in place, and returns warnings: another size than the one asked for is billed; the host
    is smaller.
    Raises Invalid with field, rule, what was asked, and the nearest sizes with their price."""
    flavor = namespaces.flavor(namespace)
    try:
        fit = _fit(place, flavor=flavor, namespace=namespace, account=account)
    except OffGrid as problem:
        name = obj["metadata"].get("name", "")
        causes = problem.causes(priced=lambda specification: _priced(specification, flavor))
        raise Invalid.of(kind.name, name, causes, group=kind.group) from None
    if kind.name == "Pod":
        _write(obj, fit)
    return ((_warning(fit, flavor),) if fit.changed else ()) + rooms.warnings(fit.specification)


def _template_of(obj: JSON) -> Place | None:
    spec = obj.get("spec", {})
    if "jobTemplate" in spec:
        return Place(spec["jobTemplate"]["spec"]["template"], "spec.jobTemplate.spec.template")
    return Place(spec["template"], "spec.template") if "template" in spec else None


def _fit(place: Place, *, flavor: str, namespace: JSON, account: str) -> Fit:
    """The policy is asked only when it matters: most pods are on the grid. Raises OffGrid."""
    rows = grid.current()
    try:
        return podspecs.fit(place.pod, flavor=flavor, grid=rows, at=place.at)
    except OffGrid:
        if not _rounds(namespace, account):
            raise
    return podspecs.fit(place.pod, flavor=flavor, grid=rows, rounding=True, at=place.at)


def _write(pod: JSON, fit: Fit) -> None:
    """A reason that a copied manifest still carries speaks of another pod."""
    annotations = pod["metadata"].setdefault("annotations", {})
    annotations.setdefault(podspecs.ANNOTATION, fit.specification.annotation())
    annotations.pop(podspecs.REASON_ANNOTATION, None)
    if fit.specification.gpus:
        annotations.setdefault(podspecs.GPU_ANNOTATION, fit.specification.gpu_annotation())
    if fit.rules:
        annotations[podspecs.REASON_ANNOTATION] = str(fit.explanation())


def _rounds(namespace: JSON, account: str) -> bool:
    """The nearest word counts: the namespace's, else the account's, else the operator's."""
    if (own := namespaces.auto_normalize(namespace)) is not None:
        return own
    chosen = Account.objects.filter(name=account).values_list("off_grid", flat=True).first()
    return (chosen or settings.OFF_GRID) == "round"


def _warning(fit: Fit, flavor: str) -> str:
    asked = podspecs.asked_words(fit.requested)
    return f"pod size: {asked} requested, {_priced(fit.specification, flavor)} billed: {'; '.join(fit.rules)}"


def _priced(specification: Specification, flavor: str) -> str:
    price = hooks.price(flavor, specification)
    return f"{specification} ({price})" if price else str(specification)
