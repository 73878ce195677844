"""What stands in every namespace: the ServiceAccount `default` and the CA of the installation."""

from __future__ import annotations

import pytest

from iam import pki
from tests import manifests
from tests.workloads.controllers.world import World
from workloads.meta.errors import NotFound


def test_every_namespace_has_the_default_account_and_the_certificate(world: World) -> None:
    assert world.get("ServiceAccount", "default")["metadata"]["name"] == "default"
    assert world.get("ConfigMap", "kube-root-ca.crt")["data"] == {"ca.crt": pki.ensure().ca.read_text()}


def test_what_is_taken_away_or_written_over_comes_back(world: World) -> None:
    world.delete("ServiceAccount", "default")
    world.patch("ConfigMap", "kube-root-ca.crt", {"data": {"ca.crt": "mine", "other": "x"}})
    world.settle()
    assert world.get("ServiceAccount", "default")
    assert world.get("ConfigMap", "kube-root-ca.crt")["data"] == {"ca.crt": pki.ensure().ca.read_text()}


def test_a_namespace_that_goes_takes_them_along(world: World) -> None:
    world.alice.delete("Namespace", "shop")
    world.advance(30)
    with pytest.raises(NotFound):
        world.alice.get("Namespace", "shop")
    assert world.all("ConfigMap") == world.all("ServiceAccount") == []
    assert world.errors == []


def test_a_pod_runs_under_the_default_account(world: World) -> None:
    assert world.create(manifests.pod())["spec"]["serviceAccountName"] == "default"
