"""Fields of a pod that users know from elsewhere, as kubectl shows what comes of them."""

from __future__ import annotations

from tests import manifests
from tests.stack import Stack

GATE = "acme.io/in-service"
SERVE = "grep -h aliased /etc/hosts; grep -h nameserver /etc/resolv.conf; hostname; sleep 1000"
FAIL = "echo the last line; exit 3"


def test_a_pod_is_held_named_let_in_and_says_why_it_ended(stack: Stack, namespace: str) -> None:
    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    serve = manifests.container(command=("sh", "-c", SERVE))
    fail = manifests.container("fail", command=("sh", "-c", FAIL)) | {
        "terminationMessagePolicy": "FallbackToLogsOnError"
    }
    leave = manifests.container("leave", command=("sh", "-c", "echo -n enough > /tmp/why")) | {
        "terminationMessagePath": "/tmp/why",
        "securityContext": {"runAsUser": 12345, "readOnlyRootFilesystem": True},
    }
    pod = manifests.pod(
        "fields",
        containers=[serve, fail, leave],
        restartPolicy="Never",
        schedulingGates=[{"name": "acme.io/quota"}],
        readinessGates=[{"conditionType": GATE}],
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["aliased"]}],
        hostname="db",
        subdomain="sub",
        setHostnameAsFQDN=True,
        dnsPolicy="None",
        dnsConfig={"nameservers": ["192.0.2.53"]},
    )
    stack.apply(pod | {"metadata": {"name": "fields", "namespace": namespace}})
    assert kubectl("get", "pod", "fields").splitlines()[1].split()[2] == "SchedulingGated"
    kubectl("patch", "pod", "fields", "--type=json", '-p=[{"op":"remove","path":"/spec/schedulingGates"}]')
    ended = "{.status.containerStatuses[?(@.name=='%s')].state.terminated.message}"
    for name, words in (("fail", "the last line"), ("leave", "enough")):
        kubectl("wait", f"--for=jsonpath={ended % name}={words}", "pod/fields", "--timeout=30s")
    said = kubectl("logs", "fields", "-c", "app").splitlines()
    assert said == ["192.0.2.7\taliased", "nameserver 192.0.2.53", f"db.sub.{namespace}.svc.cluster.local"]
    patch = f'{{"status":{{"conditions":[{{"type":"{GATE}","status":"True"}}]}}}}'
    kubectl("patch", "pod", "fields", "--subresource=status", "-p", patch)
    story = kubectl("describe", "pod", "fields")
    words = " ".join(story.split())
    assert f"Readiness Gates: Type Status {GATE} True" in words
    assert "Reason: Error Message: the last line" in words


def test_a_probe_asks_over_grpc_and_says_what_it_found(stack: Stack, namespace: str) -> None:
    app = manifests.container() | {"livenessProbe": {"grpc": {"port": 9000}, "periodSeconds": 1, "failureThreshold": 9}}
    stack.apply(manifests.pod("mute", containers=[app]) | {"metadata": {"name": "mute", "namespace": namespace}})
    stack.wait(
        lambda: (
            "Liveness probe failed: timeout: failed to connect service"
            in stack.kubectl("-n", namespace, "describe", "pod", "mute")
        ),
        what="the probe to be told",
    )
