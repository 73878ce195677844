"""A pod speaks with the API as its ServiceAccount, by the names and variables that clients inside pods look for."""

from __future__ import annotations

from pathlib import Path

from kubernetes import client
from kubernetes.config.incluster_config import InClusterConfigLoader

from tests import manifests
from tests.stack import Stack

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
TRY = "nc kubernetes.default.svc 443 < /dev/null && echo open"
SHOW = f"env | grep ^KUBERNETES_SERVICE; cat {PLACE}/namespace; echo; {TRY}"


def test_a_pod_signs_in_as_its_account_until_it_has_gone(stack: Stack, namespace: str, tmp_path: Path) -> None:
    def kubectl(*words: str, check: bool = True) -> str:
        return stack.kubectl("-n", namespace, *words, check=check)

    kubectl("create", "serviceaccount", "robot")
    app = manifests.container(command=("sh", "-c", f"{SHOW}; sleep 1000"))
    other = {"securityContext": {"runAsUser": 12345, "fsGroup": 2000}, "serviceAccountName": "robot"}
    stack.apply(manifests.pod("caller", containers=[app], **other) | {"metadata": _named("caller", namespace)})
    kubectl("wait", "--for=condition=Ready", "pod/caller", "--timeout=30s")
    stack.wait(lambda: "open" in kubectl("logs", "caller"), what="the pod to reach the API")
    variables = dict(line.split("=", 1) for line in kubectl("logs", "caller").splitlines() if "=" in line)
    assert namespace in kubectl("logs", "caller").splitlines()

    (container,) = stack.containers("label=cci.io/pod=caller", "label=cci.io/container=app")
    for name in ("token", "ca.crt"):
        # read inside, by the user that the container runs as, who may
        (tmp_path / name).write_text(stack.docker("exec", container, "cat", f"{PLACE}/{name}"))
    assert "-rw-r-----" in stack.docker("exec", container, "ls", "-lL", f"{PLACE}/token")
    settings = client.Configuration()
    InClusterConfigLoader(
        token_filename=tmp_path / "token", cert_filename=tmp_path / "ca.crt", environ=variables, try_refresh_token=False
    ).load_and_set(settings)
    with client.ApiClient(settings) as api:
        who = client.AuthenticationV1Api(api).create_self_subject_review({}).status.user_info
        assert who.username == f"system:serviceaccount:{namespace}:robot"
        assert _status(api, namespace) == 403
        kubectl("create", "rolebinding", "robot-view", "--clusterrole=view", f"--serviceaccount={namespace}:robot")
        stack.wait(lambda: _status(api, namespace) == 200, what="the role to count")
        assert [pod.metadata.name for pod in client.CoreV1Api(api).list_namespaced_pod(namespace).items] == ["caller"]
        assert _status(api, "default") == 403
        kubectl("delete", "pod", "caller", "--grace-period=0", "--force")
        stack.wait(lambda: _status(api, namespace) == 401, what="the token of a pod that is gone to be nobody's")


def _named(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace}


def _status(api: client.ApiClient, namespace: str) -> int:
    try:
        client.CoreV1Api(api).list_namespaced_pod(namespace)
    except client.ApiException as refusal:
        return int(refusal.status)
    return 200
