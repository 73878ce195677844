"""The real kubectl against the running product, as a developer uses it on a first day."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests import manifests
from tests.stack import Stack

VERSIONS = ("1.30", "1.31", "1.32", "1.33")


def running_pods(stack: Stack, namespace: str, selector: str) -> list[str]:
    pods = stack.get("pods", "-n", namespace, "-l", selector)["items"]
    return [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_deployment_is_applied_watched_scaled_and_deleted(stack: Stack, namespace: str, version: str) -> None:
    manifest = stack.data / f"web-{version}.json"
    manifest.write_bytes(orjson.dumps(manifests.deployment(replicas=2)))

    def kubectl(*words: str, check: bool = True) -> str:
        return stack.kubectl("-n", namespace, *words, version=version, check=check)

    assert "deployment.apps/web created" in kubectl("apply", "-f", str(manifest))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert "deployment.apps/web unchanged" in kubectl("apply", "-f", str(manifest))
    assert kubectl("get", "deployment", "web").splitlines()[1].split()[:2] == ["web", "2/2"]

    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/web", "--timeout=60s")
    assert len(running_pods(stack, namespace, "app=web")) == 3

    described = kubectl("describe", "deployment", "web")
    assert "ScalingReplicaSet" in described

    kubectl("delete", "deployment", "web")
    stack.wait(lambda: not stack.get("pods", "-n", namespace)["items"], what="the pods to be gone")
    assert stack.get("replicasets", "-n", namespace)["items"] == []


def test_a_rollout_is_restarted_and_undone(stack: Stack, namespace: str) -> None:
    stack.apply(manifests.deployment(replicas=2) | {"metadata": {"name": "web", "namespace": namespace}})

    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("set", "env", "deployment/web", "COLOUR=green")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert "2" in kubectl("rollout", "history", "deployment/web")

    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    template = stack.get("deployment", "web", "-n", namespace)["spec"]["template"]["spec"]
    assert "env" not in template["containers"][0]


def test_logs_follow_a_pod_live(stack: Stack, namespace: str) -> None:
    talk = ("sh", "-c", "i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done")
    pod = manifests.pod("talker", containers=[manifests.container(command=talk)])
    stack.apply(pod | {"metadata": {"name": "talker", "namespace": namespace}})
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/talker", "--timeout=60s")

    follower = subprocess.Popen(
        stack.kubectl_command("-n", namespace, "logs", "-f", "talker"), stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    lines = [follower.stdout.readline().strip() for _ in range(8)]
    follower.kill()
    follower.communicate()
    assert lines == [f"line {number}" for number in range(8)]
    assert len(stack.kubectl("-n", namespace, "logs", "talker", "--tail=2").splitlines()) == 2


def test_logs_are_read_after_a_restart_an_end_and_a_deletion(stack: Stack, namespace: str) -> None:
    twice = "[ -f /seen/x ] && { echo second; sleep 1000; }; touch /seen/x; sleep 2; echo first; exit 1"
    mount = [{"name": "seen", "mountPath": "/seen"}]
    again = manifests.pod(
        containers=[manifests.container(command=("sh", "-c", twice)) | {"volumeMounts": mount}],
        volumes=[{"name": "seen", "emptyDir": {}}],
    )
    done = manifests.pod(containers=[manifests.container(command=("echo", "done"))], restartPolicy="Never")
    stack.apply(
        again | {"metadata": {"name": "again", "namespace": namespace}},
        done | {"metadata": {"name": "done", "namespace": namespace}},
    )

    def kubectl(*words: str, check: bool = True) -> str:
        return stack.kubectl("-n", namespace, *words, check=check)

    kubectl("wait", "--for=condition=Ready", "pod/again", "--timeout=60s")
    assert kubectl("logs", "-f", "again") == "first\n"
    stack.wait(lambda: "second" in kubectl("logs", "again", check=False), what="the second attempt to speak")
    stack.wait(lambda: kubectl("logs", "--previous", "again", check=False) == "first\n", what="the first one's log")
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/done", "--timeout=60s")
    assert kubectl("logs", "-f", "done") == "done\n"

    uid = stack.get("pod", "again", "-n", namespace)["metadata"]["uid"]
    kubectl("delete", "pod", "again", "--grace-period=0", "--force")
    stack.wait(lambda: "NotFound" in kubectl("logs", "again", check=False), what="the pod to be gone")
    with closing(stack.http()) as browser:
        for attempt, text in enumerate(("first\n", "second\n")):
            query = {"container": "app", "attempt": str(attempt), "timestamps": "false"}
            assert browser.get(f"/ended-pods/{uid}/logs/stream/", params=query, timeout=30).text == text


def test_a_watch_shows_a_pod_from_birth_to_end(stack: Stack, namespace: str) -> None:
    watcher = subprocess.Popen(
        stack.kubectl_command("-n", namespace, "get", "pods", "-w", "--output-watch-events"),
        stdout=subprocess.PIPE,
        text=True,
    )
    short = manifests.container(command=("true",))
    pod = manifests.pod("short", containers=[short], restartPolicy="Never")
    stack.apply(pod | {"metadata": {"name": "short", "namespace": namespace}})
    stack.wait(
        lambda: stack.get("pod", "short", "-n", namespace)["status"].get("phase") == "Succeeded", what="the pod to end"
    )
    stack.kubectl("-n", namespace, "delete", "pod", "short")

    assert watcher.stdout is not None
    seen: list[str] = []
    while not seen or not seen[-1].startswith("DELETED"):
        line = watcher.stdout.readline()
        assert line, "the watch ended early"
        seen.append(line)
    watcher.kill()
    watcher.communicate()
    assert seen[1].startswith("ADDED")
    assert any("Completed" in line for line in seen)


def test_describing_a_pod_tells_its_story(stack: Stack, namespace: str) -> None:
    stack.apply(manifests.pod() | {"metadata": {"name": "one", "namespace": namespace}})
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    story = stack.kubectl("-n", namespace, "describe", "pod", "one")
    for word in ("Scheduled", "Pulled", "Created", "Started", "Ready             True"):
        assert word in story


def test_a_namespace_made_by_kubectl_gets_a_network_and_goes_with_everything_in_it(stack: Stack) -> None:
    stack.kubectl("create", "namespace", "short-lived")
    stack.apply(manifests.deployment(replicas=1) | {"metadata": {"name": "web", "namespace": "short-lived"}})
    stack.wait(
        lambda: [n["status"].get("state") for n in stack.get("networks", "-n", "short-lived")["items"]] == ["Active"],
        what="the network to be active",
    )
    stack.wait(lambda: running_pods(stack, "short-lived", "app=web"), what="a running pod")

    stack.kubectl("delete", "namespace", "short-lived", "--timeout=60s")

    assert "NotFound" in stack.kubectl("get", "namespace", "short-lived", check=False)
    assert stack.containers("label=cci.io/namespace=short-lived") == []


def test_bad_manifests_are_refused_with_the_field_the_rule_and_the_remedy(stack: Stack, namespace: str) -> None:
    def refusal(manifest: dict[str, object]) -> str:
        text = orjson.dumps(manifest).decode()
        return stack.kubectl("-n", namespace, "apply", "-f", "-", stdin=text, check=False)

    unknown = manifests.deployment()
    unknown["spec"]["replicaz"] = 2
    assert 'unknown field "spec.replicaz"' in refusal(unknown)

    host = manifests.pod(hostNetwork=True)
    assert "spec.hostNetwork" in refusal(host)

    odd = manifests.pod()
    odd["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "300m", "memory": "1Gi"}}
    assert "0.25" in refusal(odd)


def test_a_create_that_its_budget_has_no_money_for_is_refused_and_passes_when_it_has(
    stack: Stack, namespace: str
) -> None:
    web = manifests.deployment("web", replicas=3)
    apply = ["-n", namespace, "apply", "-f", "-"]
    wish = {"name": namespace, "scope": "namespace", "namespace": namespace, "amount": "0.02", "action": "stop"}
    with closing(stack.http()) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": stack.url}
        client.post("/api/v1/budgets", json=wish, headers=headers).raise_for_status()
        for how in ((), ("--dry-run=server",)):
            said = stack.kubectl(*apply, *how, stdin=orjson.dumps(web).decode(), check=False)
            assert f"budget {namespace} (namespace {namespace}, monthly) has spent 0 of 0.02 CNY" in said
            assert "2 more pods of this size would fit" in said

        web["spec"]["replicas"] = 1
        stack.kubectl(*apply, stdin=orjson.dumps(web).decode())
        assert "Forbidden" in stack.kubectl("-n", namespace, "scale", "deploy/web", "--replicas=3", check=False)
        client.patch(f"/api/v1/budgets/{namespace}", json={"amount": "5"}, headers=headers).raise_for_status()
        stack.kubectl("-n", namespace, "scale", "deploy/web", "--replicas=3")
        client.delete(f"/api/v1/budgets/{namespace}", headers=headers).raise_for_status()


def test_another_account_sees_nothing(stack: Stack, namespace: str, tmp_path: Path) -> None:
    stack.manage("setup_account", "--account", "other", "--user", "charlie")
    path = tmp_path / "charlie"
    stack.manage("kubeconfig", "--token", "--account", "other", "--user", "charlie", "--output", str(path))
    words = ["get", "namespace", namespace, "--kubeconfig", str(path)]
    assert "NotFound" in stack.kubectl(*words, check=False)
