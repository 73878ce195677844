"""The list of kinds. To add one, write its module, then name it in `_load`."""

from __future__ import annotations

from functools import cache

from workloads.kinds.base import Kind

_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Adds `kind`; a second kind of the same name is a programming error."""
    if kind.name in _KINDS:
        raise ValueError(f"kind {kind.name} is registered twice")
    _KINDS[kind.name] = kind
    return kind


def kind(name: str) -> Kind:
    """The kind called `name`. Raises KeyError."""
    return kinds()[name]


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by name, in the order discovery lists them."""
    _load()
    return _KINDS


def by_resource(group: str, version: str, plural: str) -> Kind | None:
    """The kind that `/apis/<group>/<version>/<plural>` serves, or None."""
    return _resources().get((group, version, plural))


@cache
def _resources() -> dict[tuple[str, str, str], Kind]:
    return {
        (group, version, kind.plural): kind
        for kind in kinds().values()
        for group, version in ((kind.group, kind.version), *kind.also_served_as)
    }


def _load() -> None:
    from workloads.kinds import (  # noqa: F401
        autoscalers,
        configmaps,
        cronjobs,
        deployments,
        elbs,
        endpoints,
        endpointslices,
        events,
        ingressclasses,
        ingresses,
        jobs,
        leases,
        limitranges,
        namespaces,
        networks,
        nodes,
        persistentvolumeclaims,
        pods,
        replicasets,
        resourcequotas,
        roles,
        scalingpolicies,
        secrets,
        serviceaccounts,
        services,
        storageclasses,
    )
