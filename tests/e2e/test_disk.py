"""What happens to a pod that fills its disk, and what a pod is told that can never fit, as kubectl shows it."""

from __future__ import annotations

from tests import manifests
from tests.stack import Stack


def test_a_pod_that_fills_its_disk_is_evicted_and_one_that_never_fits_is_told(stack: Stack, namespace: str) -> None:
    script = "dd if=/dev/zero of=/scratch/file bs=1M count=12; sleep 3600"
    app = manifests.container(command=("sh", "-c", script)) | {
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]
    }
    volumes = [{"name": "scratch", "emptyDir": {"sizeLimit": "10Mi"}}]
    hog, huge = manifests.pod("hog", containers=[app], volumes=volumes), manifests.pod("huge")
    huge["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "64", "memory": "512Gi"}}
    for pod in (hog, huge):
        pod["metadata"]["namespace"] = namespace
        stack.apply(pod)

    stack.wait(lambda: "it can never fit here" in stack.kubectl("-n", namespace, "get", "events"), what="the reason")
    stack.wait(lambda: stack.get("pod", "hog", "-n", namespace)["status"].get("reason") == "Evicted", what="eviction")
    told = stack.kubectl("-n", namespace, "describe", "pod", "hog")
    assert 'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi"' in told
