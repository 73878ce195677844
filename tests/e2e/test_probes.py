"""The inner life of a pod, as kubectl shows it: prepared, probed, restarted, stopped in order."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.stack import Stack

JSON = dict[str, Any]

SERVE = (
    "mkdir -p /www; test -f /tmp/greeted || sleep 1; httpd -p 80 -h /www; "
    "sleep 3; touch /www/ready; sleep 4; touch /tmp/dead; sleep 1000"
)


def prepared_pod() -> JSON:
    app = manifests.container(command=("sh", "-c", SERVE)) | {
        "ports": [{"name": "web", "containerPort": 80}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "web"}, "periodSeconds": 1},
        "livenessProbe": {"exec": {"command": ["test", "!", "-f", "/tmp/dead"]}, "periodSeconds": 1},
        "startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 30},
        "lifecycle": {
            "postStart": {"exec": {"command": ["touch", "/tmp/greeted"]}},
            "preStop": {"exec": {"command": ["sh", "-c", "echo farewell > /proc/1/fd/1; sleep 1"]}},
        },
    }
    app["livenessProbe"] |= {"failureThreshold": 1, "terminationGracePeriodSeconds": 1}
    sidecar = manifests.container("proxy") | {"restartPolicy": "Always"}
    init = manifests.container("prepare", command=("sh", "-c", "echo prepared; sleep 1"))
    return manifests.pod("whole", initContainers=[init, sidecar], containers=[app], terminationGracePeriodSeconds=2)


def test_a_pod_is_prepared_probed_and_restarted(stack: Stack, namespace: str) -> None:
    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    pod = prepared_pod()
    stack.apply(pod | {"metadata": {"name": "whole", "namespace": namespace}})
    stack.wait(lambda: "Init:" in kubectl("get", "pod", "whole"), what="the init container to run")
    kubectl("wait", "--for=condition=Initialized", "pod/whole", "--timeout=30s")
    assert kubectl("logs", "whole", "-c", "prepare").strip() == "prepared"
    kubectl("wait", "--for=condition=Ready", "pod/whole", "--timeout=30s")
    assert kubectl("get", "pod", "whole").splitlines()[1].split()[1:3] == ["2/2", "Running"]

    restarts = "{.status.containerStatuses[0].restartCount}"
    kubectl("wait", f"--for=jsonpath={restarts}=1", "pod/whole", "--timeout=30s")
    story = kubectl("describe", "pod", "whole")
    for words in (
        "Readiness probe failed: HTTP probe failed with statuscode: 404",
        "Container app failed liveness probe, will be restarted",
        "http-get http://:web/ready",
    ):
        assert words in story


def test_a_rollout_to_pods_that_never_become_ready_leaves_the_old_ones_serving(stack: Stack, namespace: str) -> None:
    web = manifests.deployment(replicas=1)
    stack.apply(web | {"metadata": {"name": "web", "namespace": namespace}})
    stack.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=30s")
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe
    stack.apply(web | {"metadata": {"name": "web", "namespace": namespace}})
    waited = stack.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=5s", check=False)
    assert "timed out" in waited
    status = stack.get("deployment", "web", "-n", namespace)["status"]
    assert (status["readyReplicas"], status["unavailableReplicas"]) == (1, 1)
