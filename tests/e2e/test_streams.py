"""exec, cp, attach, run and port-forward with the real kubectl, from the terminal into a container and back."""

from __future__ import annotations

import hashlib
import os
import pty
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import manifests
from tests.stack import Stack

VERSIONS = ("1.31", "1.32", "1.33")
SERVES = "mkdir /www; head -c 3000000 /dev/zero > /www/zeros; httpd -p 127.0.0.1:8080 -h /www; exec sleep 1000"


@pytest.fixture(scope="module")
def namespace(stack: Stack) -> Iterator[str]:
    """One for all of these."""
    stack.kubectl("create", "namespace", "streams")
    yield "streams"
    stack.kubectl("delete", "namespace", "streams", "--wait=false", check=False)


@pytest.fixture(scope="module")
def pod(stack: Stack, namespace: str) -> str:
    """Runs, and serves on its loopback alone."""
    container = manifests.container(command=("sh", "-c", SERVES))
    stack.apply(manifests.pod("one", containers=[container]) | {"metadata": {"name": "one", "namespace": namespace}})
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    return "one"


def run(stack: Stack, *words: str, stdin: bytes = b"", version: str = "1.33") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(stack.kubectl_command(*words, version=version), input=stdin, capture_output=True, timeout=90)


@pytest.mark.parametrize("version", VERSIONS)
def test_commands_end_with_their_code_and_ports_are_forwarded(
    stack: Stack, namespace: str, pod: str, version: str
) -> None:
    done = run(stack, "-n", namespace, "exec", pod, "--", "sh", "-c", "echo out; echo err >&2; exit 3", version=version)
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.stderr == b"err\ncommand terminated with exit code 3\n"
    done = run(stack, "-n", namespace, "exec", "-i", pod, "--", "wc", "-c", stdin=bytes(1_000_000), version=version)
    assert done.stdout.split() == [b"1000000"]

    words = stack.kubectl_command("-n", namespace, "port-forward", pod, ":8080", "--address=127.0.0.1", version=version)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout is not None
        port = int(forward.stdout.readline().split(" -> ")[0].rpartition(":")[2])
        with ThreadPoolExecutor(8) as callers:
            assert list(callers.map(zeros, [port] * 16)) == [3_000_000] * 16
        forward.terminate()


def zeros(port: int) -> int:
    """The length of the page, from one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line, line.makefile("rb") as answer:
        line.sendall(b"GET /zeros HTTP/1.0\r\n\r\n")
        assert answer.readline().startswith(b"HTTP/1.1 200")
        while answer.readline().strip():
            pass
        return len(answer.read())


def test_50_megabytes_are_copied_there_and_back(stack: Stack, namespace: str, pod: str, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(50 * 1024**2))
    assert run(stack, "-n", namespace, "cp", str(there), f"{pod}:/tmp/big").returncode == 0
    counted = run(stack, "-n", namespace, "exec", pod, "--", "sha256sum", "/tmp/big").stdout.split()[0].decode()
    assert counted == hashlib.sha256(there.read_bytes()).hexdigest()
    assert run(stack, "-n", namespace, "cp", f"{pod}:/tmp/big", str(back)).returncode == 0
    assert back.read_bytes() == there.read_bytes()


def test_a_caller_that_goes_leaves_nothing_running(stack: Stack, namespace: str, pod: str) -> None:
    words = stack.kubectl_command("-n", namespace, "exec", pod, "--", "yes")
    with subprocess.Popen(words, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert len(caller.stdout.read(1_000_000)) == 1_000_000
        caller.kill()

    def goes() -> bool:
        return b" yes" not in run(stack, "-n", namespace, "exec", pod, "--", "ps").stdout

    stack.wait(goes, what="the command to be hung up on")


def typed(stack: Stack, *words: str, text: bytes, awaits: bytes) -> int:
    """Types into kubectl's terminal of 101 columns and 33 rows when a prompt is there; gives its exit code."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "101", "rows", "33"], stdin=theirs, check=True)
    command = stack.kubectl_command(*words)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as kubectl:
        said = os.read(ours, 1000)
        os.write(ours, b"\n")
        while b"# " not in said:
            said += os.read(ours, 1000)
        os.write(ours, text)
        while awaits not in said:
            said += os.read(ours, 1000)
        code = kubectl.wait(30)
    for end in (ours, theirs):
        os.close(end)
    return code


def test_a_terminal_has_its_size_and_its_end(stack: Stack, namespace: str, pod: str) -> None:
    words = ("-n", namespace, "exec", "-it", pod, "--", "sh")
    assert typed(stack, *words, text=b"stty size; exit 5\n", awaits=b"33 101") == 5


def test_a_containers_own_terminal_is_attached_to(stack: Stack, namespace: str) -> None:
    shell = manifests.container(command=("sh",)) | {"stdin": True, "tty": True}
    pod = manifests.pod("shell", containers=[shell], restartPolicy="Never")
    stack.apply(pod | {"metadata": {"name": "shell", "namespace": namespace}})
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/shell", "--timeout=60s")
    words = ("-n", namespace, "attach", "-it", "shell")
    assert typed(stack, *words, text=b"echo $((40 + 2)); exit\n", awaits=b"42") == 0


def test_a_pod_is_run_spoken_to_and_removed(stack: Stack, namespace: str) -> None:
    image = manifests.container()["image"]
    asked = ("-n", namespace, "run", "talk", "-i", "--rm", "--restart=Never", f"--image={image}")
    done = run(stack, *asked, "--", "sh", "-c", "read a; echo got $a", stdin=b"hello\n")
    assert b"got hello" in done.stdout, done.stderr
    stack.wait(lambda: not stack.get("pods", "-n", namespace, "-l", "run=talk")["items"], what="the pod to be gone")


def test_logs_of_all_containers_of_several_pods_are_followed_together(stack: Stack, namespace: str) -> None:
    says = "echo said; exec sleep 1000"
    containers = [manifests.container(name, command=("sh", "-c", says)) for name in ("app", "side")]
    for name in ("a", "b"):
        pod = manifests.pod(name, containers=containers)
        stack.apply(pod | {"metadata": {"name": name, "namespace": namespace, "labels": {"set": "x"}}})
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod", "-l", "set=x", "--timeout=60s")
    words = stack.kubectl_command("-n", namespace, "logs", "-f", "--all-containers", "--prefix", "-l", "set=x")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        lines = {follower.stdout.readline().strip() for _ in range(4)}
        follower.kill()
    assert lines == {f"[pod/{pod}/{name}] said" for pod in ("a", "b") for name in ("app", "side")}
