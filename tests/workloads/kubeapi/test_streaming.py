"""exec, attach and port-forward as the official Python client and kubectl use them, over the agent's own sessions."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator

import kr8s.asyncio
import kubernetes_asyncio
import pytest
from kubernetes import client as kubernetes
from kubernetes import config as kubeconfigs
from kubernetes.stream import portforward, stream

from iam.identities import Identity
from tests import manifests
from tests.agents import agent_of, run_pod
from tests.workloads.kubeapi.callers import is_status
from tests.workloads.runtimes.worlds import busybox
from workloads.client import Client
from workloads.runtimes.simulated import Simulated

POD = "/api/v1/namespaces/shop/pods/one"
V4 = "v4.channel.k8s.io"


@pytest.fixture
def runtime(settings) -> Iterator[Simulated]:
    made = Simulated(every_image=True)
    made.on_session("app", busybox)
    with agent_of(made, settings):
        yield made


@pytest.fixture
def pod(api, shop, runtime):
    """Runs, in the store and in the runtime."""
    made = api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    made["spec"]["nodeName"] = "host-1"
    hand = Client(Identity.controller("pods", "acme"))
    made = hand.update("Pod", "one", made, "shop").obj
    runtime.add_image(made["spec"]["containers"][0]["image"])
    run_pod(runtime, made)
    return told(made, {"running": {"startedAt": "2026-01-01T00:00:00Z"}})


def told(pod, state):
    """Its container's state as the node tier writes it."""
    status = {"name": "app", "ready": True, "restartCount": 0, "image": "x", "imageID": "", "state": state}
    ready = [{"type": name, "status": "True"} for name in ("Ready", "ContainersReady")]
    pod["status"] = {"phase": "Running", "conditions": ready, "containerStatuses": [status]}
    return Client(Identity.controller("pods", "acme")).update("Pod", "one", pod, "shop", subresource="status").obj


@pytest.fixture
def core(kubectl) -> Iterator[kubernetes.CoreV1Api]:
    """The official client, by the same kubeconfig."""
    with kubeconfigs.new_client_from_config(str(kubectl("1.33").config)) as api_client:
        yield kubernetes.CoreV1Api(api_client)


def run(core, *command, **options):
    asked = {"stdin": False, "stdout": True, "stderr": True, "tty": False, "_preload_content": False, **options}
    return stream(core.connect_get_namespaced_pod_exec, "one", "shop", command=list(command), **asked)


def to_its_end(answer):
    """The client leaves its own socket open when the server has closed."""
    answer.run_forever(timeout=10)
    answer.sock.shutdown()


def test_the_python_client_runs_a_command(core, pod):
    answer = run(core, "sh", "-c", "whatever")
    to_its_end(answer)
    assert (answer.read_stdout(), answer.read_stderr(), answer.returncode) == ("out\n", "err\n", 3)


def test_the_python_client_speaks_and_closes_stdin(core, pod):
    answer = run(core, "cat", stdin=True)
    answer.write_stdin("hello\n")
    assert answer.readline_stdout(timeout=10) == "hello"
    answer.close_channel(0)
    to_its_end(answer)
    assert answer.returncode == 0


def test_version_4_has_no_half_close_and_hangs_up_instead(core, pod, runtime):
    core.api_client.set_default_header("sec-websocket-protocol", V4)
    answer = run(core, "cat", stdin=True)
    assert answer.subprotocol == V4
    answer.write_stdin("hello\n")
    assert answer.readline_stdout(timeout=10) == "hello"
    answer.close()
    until(lambda: runtime.sessions(pod["metadata"]["uid"], "app") == [])


def test_the_python_client_attaches(core, pod, runtime):
    asked = {"stdout": True, "_preload_content": False}
    attached = stream(core.connect_get_namespaced_pod_attach, "one", "shop", **asked)

    def hears() -> bool:
        """The handshake may be over a moment before the agent is attached."""
        runtime.print(pod["metadata"]["uid"], "app", b"spoken")
        return attached.readline_stdout(timeout=0.1) == "spoken"

    until(hears)
    runtime.exit(pod["metadata"]["uid"], "app", 0)
    to_its_end(attached)
    assert attached.returncode == 0


def test_the_python_client_forwards_ports(core, pod, runtime):
    runtime.on_connect(80, lambda line: line.sendall(line.recv(100).upper()))
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, "one", "shop", ports="80,99")
    line = forwarded.socket(80)
    line.settimeout(10)
    line.sendall(b"hello")
    assert line.recv(100) == b"HELLO"
    until(lambda: forwarded.error(99))
    assert "error forwarding port 99 to pod one_shop" in forwarded.error(99)
    line.close()
    forwarded.close()
    until(lambda: all(one.python.fileno() == -1 for one in forwarded.local_ports.values()))
    forwarded.websocket.shutdown()


def test_what_cannot_run_is_a_status_before_the_handshake(api, pod):
    query = {"command": "ls", "stdout": "true"}
    answer = api.get(f"{POD}/exec", params={**query, "container": "side"}, headers=handshake(V4))
    assert "container side is not valid for pod one" in is_status(answer, 400)["message"]
    answer = api.get(f"{POD}/exec", params=query, headers=handshake("v9.channel.k8s.io"))
    assert "v9.channel.k8s.io" in is_status(answer, 400)["message"]
    told(pod, {"waiting": {"reason": "ContainerCreating"}})
    answer = api.get(f"{POD}/exec", params=query, headers=handshake(V4))
    assert is_status(answer, 500)["message"] == 'container not found ("app")'


def handshake(protocol):
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    return {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": protocol, **key}


@pytest.mark.parametrize(
    ("part", "query", "code", "words"),
    [
        ("exec", {"stdout": "true"}, 400, "you must specify at least one command"),
        ("exec", {"command": "ls"}, 400, "at least 1 of stdin, stdout, stderr"),
        ("exec", {"command": "ls", "stdout": "perhaps"}, 400, "neither true nor false"),
        ("exec", {"command": "ls", "stdout": "true", "container": "side"}, 400, "container side is not valid"),
        ("attach", {"stdout": "true", "container": "side"}, 400, "container side is not valid"),
        ("portforward", {"ports": "0"}, 400, "from 1 to 65535"),
        ("exec", {"command": "ls", "stdout": "true"}, 400, "not over SPDY"),
        ("attach", {"stdout": "true"}, 400, "not over SPDY"),
        ("portforward", {}, 400, "not over SPDY"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_comes_without_a_websocket_gets_a_sentence(api, pod, runtime, method, part, query, code, words):
    answer = api.request(
        method, f"{POD}/{part}", params=query, headers={"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}
    )
    assert words in is_status(answer, code)["message"]
    assert runtime.commands == []


@pytest.mark.parametrize("part", ["exec", "attach", "portforward"])
def test_a_pod_of_another_account_is_not_found(api, other_api, pod, part):
    is_status(other_api.get(f"{POD}/{part}", params={"command": "ls", "stdout": "true"}), 404)


def test_a_pod_without_a_place_and_a_container_that_ended_say_so(api, shop, runtime):
    pod = api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    query = {"command": "ls", "stdout": "true"}
    assert "does not have a host assigned" in is_status(api.get(f"{POD}/exec", params=query), 400)["message"]
    pod["spec"]["nodeName"] = "host-1"
    pod = Client(Identity.controller("pods", "acme")).update("Pod", "one", pod, "shop").obj
    told(pod, {"terminated": {"exitCode": 0}})
    assert "cannot exec in a stopped container" in is_status(api.get(f"{POD}/exec", params=query), 500)["message"]
    assert "cannot attach to a stopped" in is_status(api.get(f"{POD}/attach", params=query), 500)["message"]


def test_an_agent_that_is_away_is_said(api, pod, settings, tmp_path):
    settings.AGENT_SOCKET = tmp_path / "nobody.sock"
    is_status(api.get(f"{POD}/exec", params={"command": "ls", "stdout": "true"}), 503)


@pytest.mark.parametrize("version", ["1.30", "1.33"])
def test_kubectl_runs_a_command_and_ends_with_its_code(kubectl, pod, version):
    done = kubectl(version).run("-n", "shop", "exec", "one", "--", "sh", "-c", "whatever")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr == "err\ncommand terminated with exit code 3\n"
    assert kubectl(version)("-n", "shop", "exec", "-i", "one", "--", "cat", stdin="hello\n") == "hello\n"
    assert kubectl(version).run("-n", "shop", "exec", "one", "--", "nope").returncode == 127


def test_an_older_kubectl_gets_a_sentence_and_no_hang(kubectl, pod, monkeypatch):
    monkeypatch.setenv("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")
    monkeypatch.setenv("KUBECTL_PORT_FORWARD_WEBSOCKETS", "false")
    for words in (("exec", "one", "--", "ls"), ("attach", "one"), ("port-forward", "one", ":80")):
        assert "not over SPDY" in kubectl("1.33").fails("-n", "shop", *words)


def test_kubectl_is_told_of_ephemeral_containers(kubectl, pod):
    said = kubectl("1.33").fails("-n", "shop", "debug", "one", "--image=busybox", "--profile=general")
    assert "ephemeral containers are not" in said and "--copy-to" in said


@pytest.mark.parametrize("version", ["1.31", "1.33"])
def test_kubectl_forwards_several_connections_at_once(kubectl, pod, runtime, version):
    def serve(line: socket.socket) -> None:
        while data := line.recv(65536):
            line.sendall(data.upper())

    runtime.on_connect(80, serve)
    words = kubectl(version).command("-n", "shop", "port-forward", "one", ":80", "--address=127.0.0.1")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forward:
        assert forward.stdout is not None
        port = int(forward.stdout.readline().split(" -> ")[0].rpartition(":")[2])
        lines = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(8)]
        for number, line in enumerate(lines):
            line.sendall(b"%d" % number + b"a" * 100_000)
        for number, line in enumerate(lines):
            whole = b""
            while len(whole) < 100_001:
                whole += line.recv(65536)
            assert whole == b"%d" % number + b"A" * 100_000
            line.close()
        forward.terminate()


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_kr8s_runs_commands(kubectl, pod, runtime):
    config = str(kubectl("1.33").config)
    kr8s_api = await kr8s.asyncio.api(kubeconfig=config)
    found = await kr8s.asyncio.objects.Pod.get("one", namespace="shop", api=kr8s_api)
    done = await found.exec(["sh", "-c", "whatever"], check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)


async def test_the_asynchronous_client_runs_commands(kubectl, pod, runtime):
    config = str(kubectl("1.33").config)
    await kubernetes_asyncio.config.load_kube_config(config_file=config)
    async with kubernetes_asyncio.stream.WsApiClient() as websockets:
        core = kubernetes_asyncio.client.CoreV1Api(api_client=websockets)
        asked = {"command": ["sh", "-c", "whatever"], "stdout": True, "stderr": True, "stdin": False, "tty": False}
        assert "out\n" in await core.connect_get_namespaced_pod_exec("one", "shop", **asked)
