"""What is never offered is refused by name in every manifest, with a sentence and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests, refused
from workloads.client import Client
from workloads.kinds import refusals
from workloads.meta.errors import Invalid

JSON = dict[str, Any]


def host_path(spec: JSON) -> None:
    spec["volumes"] = [{"name": "etc", "hostPath": {"path": "/etc"}}]


def privileged(spec: JSON) -> None:
    spec["containers"][0]["securityContext"] = {"privileged": True}


def host_port(spec: JSON) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]


def flag(name: str) -> Callable[[JSON], None]:
    return lambda spec: spec.update({name: True})


NEVER = {
    "hostPath": (host_path, "volumes[0].hostPath", "put what the container needs into its image"),
    "hostNetwork": (flag("hostNetwork"), "hostNetwork", "each pod has its own address"),
    "hostPID": (flag("hostPID"), "hostPID", "containers of a pod meet on localhost"),
    "hostIPC": (flag("hostIPC"), "hostIPC", "containers of one pod share theirs"),
    "privileged": (privileged, "containers[0].securityContext.privileged", "run what needs it elsewhere"),
    "hostPort": (host_port, "containers[0].ports[0].hostPort", "the pod answers on its own address at containerPort"),
}
DOORS: tuple[Callable[[], JSON], ...] = (manifests.pod, manifests.deployment, manifests.job, manifests.cronjob)


def place_of(manifest: JSON) -> tuple[JSON, str]:
    """The pod specification in it, and its path."""
    spec = manifest["spec"]
    if manifest["kind"] == "Pod":
        return spec, "spec"
    if manifest["kind"] == "CronJob":
        return spec["jobTemplate"]["spec"]["template"]["spec"], "spec.jobTemplate.spec.template.spec"
    return spec["template"]["spec"], "spec.template.spec"


@pytest.mark.parametrize("make", DOORS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", NEVER)
def test_what_is_never_offered_is_refused_with_an_alternative(
    db: None, alice: Identity, make: Callable[[], JSON], name: str
) -> None:
    client, (spoil, field, instead) = Client(alice), NEVER[name]
    client.create("Namespace", manifests.namespace("shop"))
    manifest = make()
    spec, at = place_of(manifest)
    spoil(spec)

    with pytest.raises(Invalid) as refused:
        client.create(manifest["kind"], manifest, "shop")
    (cause,) = [cause for cause in refused.value.causes if cause.field == f"{at}.{field}"]
    assert instead in cause.message


@pytest.mark.parametrize("name", refused.EVERY)
def test_each_of_the_eight_is_refused_with_its_sentence(db: None, alice: Identity, name: str) -> None:
    client, manifest = Client(alice), refused.manifest(name)
    client.create("Namespace", manifests.namespace("shop"))
    if manifest["kind"] == "DaemonSet":
        found = refusals.refused_kind(api_version=manifest["apiVersion"], kind="DaemonSet")
        assert found is not None and refused.EVERY[name].sentence in found.sentence
        return
    with pytest.raises(Invalid) as error:
        client.create(manifest["kind"], manifest, "shop")
    assert refused.EVERY[name].sentence in error.value.message


def test_daemonsets_and_statefulsets_are_refused_by_name() -> None:
    for kind in ("DaemonSet", "StatefulSet"):
        refused = refusals.refused_kind(api_version="apps/v1", kind=kind)
        assert refused is not None
        assert "use a Deployment" in refused.sentence


def test_a_description_is_short(db: None, alice: Identity) -> None:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    manifest = manifests.deployment("web")
    manifest["metadata"]["annotations"] = {"description": "x" * 251}

    with pytest.raises(Invalid, match="must have at most 250 characters, this has 251"):
        client.create("Deployment", manifest, "shop")
    manifest["metadata"]["annotations"] = {"description": "x" * 250}
    client.create("Deployment", manifest, "shop")
