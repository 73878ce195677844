"""The list of kinds, and the kinds that are refused by name."""

from __future__ import annotations

import pytest

from workloads.kinds import refusals, registry
from workloads.kinds.base import Kind


def test_the_kinds_of_the_product() -> None:
    assert {(kind.resource, kind.api_version) for kind in registry.kinds().values()} == {
        ("namespaces", "v1"),
        ("networks.networking.cci.io", "networking.cci.io/v1beta1"),
        ("elbs.networking.cci.io", "networking.cci.io/v1beta1"),
        ("deployments.apps", "apps/v1"),
        ("replicasets.apps", "apps/v1"),
        ("pods", "v1"),
        ("events", "v1"),
        ("services", "v1"),
        ("nodes", "v1"),
        ("resourcequotas", "v1"),
        ("limitranges", "v1"),
        ("ingresses.networking.k8s.io", "networking.k8s.io/v1"),
        ("ingressclasses.networking.k8s.io", "networking.k8s.io/v1"),
        ("leases.coordination.k8s.io", "coordination.k8s.io/v1"),
        ("endpoints", "v1"),
        ("endpointslices.discovery.k8s.io", "discovery.k8s.io/v1"),
        ("persistentvolumeclaims", "v1"),
        ("storageclasses.storage.k8s.io", "storage.k8s.io/v1"),
        ("configmaps", "v1"),
        ("secrets", "v1"),
        ("serviceaccounts", "v1"),
        ("jobs.batch", "batch/v1"),
        ("cronjobs.batch", "batch/v1"),
        ("horizontalpodautoscalers.autoscaling", "autoscaling/v2"),
        ("scalingpolicies.autoscaling.cci.io", "autoscaling.cci.io/v1beta1"),
        ("roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"),
        ("rolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"),
        ("clusterroles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"),
        ("clusterrolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1"),
    }


def test_a_kind_is_found_by_its_address() -> None:
    assert registry.by_resource("apps", "v1", "deployments") is registry.kind("Deployment")
    assert registry.by_resource("apps", "v1beta1", "deployments") is None
    assert registry.by_resource("", "v1", "deployments") is None


def test_a_kind_has_one_entry() -> None:
    with pytest.raises(ValueError, match="kind Pod is registered twice"):
        registry.register(registry.kind("Pod"))


def test_what_a_kind_leaves_out_does_nothing() -> None:
    bare = Kind(name="Bare", plural="bares", group="", version="v1", schema="x")
    obj = {"metadata": {"name": "a"}}
    bare.default(obj)
    bare.prepare(obj, None)
    assert bare.validate(obj, None) == []
    assert bare.facts(obj).phase == ""
    assert obj == {"metadata": {"name": "a"}}


@pytest.mark.parametrize("kind", registry.kinds().values(), ids=lambda kind: kind.name)
def test_short_names_and_plurals_are_nobody_elses(kind: Kind) -> None:
    words = [word for other in registry.kinds().values() for word in {other.plural, other.singular, *other.short_names}]
    words += [word for refused in refusals.KINDS for word in (refused.plural,)]
    assert all(words.count(word) == 1 for word in (kind.plural, kind.singular, *kind.short_names))


@pytest.mark.parametrize(
    ("api_version", "kind", "instead"),
    [
        ("apps/v1", "StatefulSet", "use a Deployment"),
        ("apps/v1", "DaemonSet", "use a Deployment"),
        ("v1", "ReplicationController", "use a Deployment"),
        ("v1", "PodTemplate", "write the template into a Deployment"),
        ("networking.k8s.io/v1", "NetworkPolicy", "is not served yet"),
        ("v1", "PersistentVolume", "look at the claim"),
    ],
)
def test_a_refused_kind_names_the_alternative(api_version: str, kind: str, instead: str) -> None:
    refused = refusals.refused_kind(api_version=api_version, kind=kind)
    assert refused is not None
    assert refused.sentence.startswith(f"{kind} is not ")
    assert instead in refused.sentence
    group, _, version = api_version.rpartition("/")
    assert refusals.refused_resource(group=group, version=version, plural=refused.plural) is refused


def test_what_nobody_knows_is_not_refused_but_unknown() -> None:
    assert refusals.refused_kind(api_version="example.com/v1", kind="Widget") is None
    assert refusals.refused_kind(api_version="batch/v9", kind="StatefulSet") is None
    assert refusals.refused_resource(group="example.com", version="v1", plural="widgets") is None
    assert refusals.refused_kind(api_version="apps/v1", kind="Deployment") is None
