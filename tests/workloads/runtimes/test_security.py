"""Who a container runs as and what it may do: computed, and on real Docker."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, container, spec
from workloads.runtimes import security
from workloads.runtimes.base import SecuritySpec

JSON = dict[str, Any]


def pod(own: JSON, whole: JSON | None = None) -> tuple[JSON, JSON]:
    made = {"name": "app", "image": "busybox:1", "securityContext": own}
    metadata = {"name": "one", "namespace": "shop", "uid": "u-1"}
    return {"metadata": metadata, "spec": {"containers": [made], "securityContext": whole or {}}}, made


def test_the_containers_word_counts_before_the_pods() -> None:
    whole = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]}
    own = {"runAsUser": 5, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["CAP_KILL"]}}
    assert security.effective(*pod(own, whole)) == SecuritySpec(
        user=5, group=2, more_groups=(4, 3), read_only_root=True, dropped=("KILL",)
    )


@pytest.mark.parametrize(
    ("own", "image_user", "said"),
    [
        ({"runAsNonRoot": True}, "", "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True}, "0:1000", "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True}, "nginx", "image has non-numeric user (nginx), cannot verify user is non-root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "", "container's runAsUser breaks non-root policy"),
    ],
)
def test_root_is_refused_in_the_kubelets_words(own: JSON, image_user: str, said: str) -> None:
    found = security.root_problem(*pod(own), image_user=image_user)
    assert said in found
    assert found.endswith('(pod: "one_shop(u-1)", container: app)')


@pytest.mark.parametrize(
    ("own", "image_user"),
    [({"runAsNonRoot": True, "runAsUser": 7}, ""), ({"runAsNonRoot": True}, "101:101"), ({}, "")],
)
def test_who_is_not_root_may_start(own: JSON, image_user: str) -> None:
    assert security.root_problem(*pod(own), image_user=image_user) == ""


def run(world: DockerWorld, wanted: SecuritySpec, script: str) -> str:
    made = spec(world, containers=(container(world.image, security=wanted),))
    world.runtime.ensure_sandbox(made)
    world.runtime.start_container(made, "app", attempt=0)
    return world.run(made.uid, script)


@pytest.mark.docker
def test_docker_runs_it_as_asked(dockers: DockerWorld) -> None:
    wanted = SecuritySpec(user=1000, group=2000, more_groups=(3000,), dropped=("ALL",))
    assert run(dockers, wanted, "id -u; id -g; id -G; grep CapBnd /proc/self/status").split() == [
        "1000",
        "2000",
        "2000",
        "3000",
        "CapBnd:",
        "0000000000000000",
    ]


@pytest.mark.docker
def test_docker_keeps_a_root_that_may_not_be_written(dockers: DockerWorld) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(dockers, SecuritySpec(read_only_root=True), "touch /file")
    assert "Read-only file system" in refused.value.stderr


@pytest.mark.docker
def test_docker_keeps_what_was_added_and_takes_the_rest(dockers: DockerWorld) -> None:
    wanted = SecuritySpec(group=2000, dropped=("ALL",), added=("NET_BIND_SERVICE",))
    found = run(dockers, wanted, "id -u; id -g; grep CapBnd /proc/self/status").split()
    assert found == ["0", "2000", "CapBnd:", "0000000000000400"]
