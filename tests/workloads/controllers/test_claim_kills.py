"""A worker may die between any two steps of a claim's life: its data is made once and taken away once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import manifests
from tests.workloads.controllers.test_kills import Failpoint, every_kill, failpoint
from tests.workloads.controllers.world import World

__all__ = ("failpoint",)


@pytest.mark.timeout(600)
def test_a_claim_and_its_pod_come_up_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def act(world: World) -> None:
        world.create(manifests.claim())
        world.create(manifests.claiming())
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=lambda world: world.namespace(), act=act):
        (claim,) = world.all("PersistentVolumeClaim")
        kept = world.runtime.claims.kept()
        assert (claim["status"]["phase"], world.pod()["status"]["phase"]) == ("Bound", "Running"), when
        assert [one.claim.uid for one in kept] == [claim["metadata"]["uid"]], when


@pytest.mark.timeout(600)
def test_a_claim_goes_once_and_after_its_pod_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.claim())
        world.create(manifests.claim("other"))
        world.create(manifests.claiming())
        world.settle()

    def act(world: World) -> None:
        world.delete("PersistentVolumeClaim", "data")
        world.settle()
        world.delete("Pod", "one")
        world.settle()

    def finish(world: World) -> None:
        """The worker died before the pod could be deleted: it is now."""
        if any("deletionTimestamp" not in pod["metadata"] for pod in world.all("Pod")):
            world.delete("Pod", "one")
        world.advance(60)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        finish(world)
        (other,) = world.all("PersistentVolumeClaim")
        assert [one.claim.uid for one in world.runtime.claims.kept()] == [other["metadata"]["uid"]], when
        assert len(world.runtime.claims.removals) == 1, when
        assert world.all("Pod") == [], when
