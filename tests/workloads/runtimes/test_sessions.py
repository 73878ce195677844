"""What every runtime promises of commands, attachments and connections; `base.Session`."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.workloads.runtimes.worlds import World, container, spec
from workloads.runtimes.base import ExecSpec, NoConnection, RuntimeFault, SandboxSpec, Session
from workloads.runtimes.outputframes import STDERR, STDOUT, OutputFrames


@pytest.fixture
def pod(world: World) -> SandboxSpec:
    made = spec(world, containers=(container(world.image, stdin=True),))
    world.runtime.ensure_sandbox(made)
    world.runtime.ensure_volumes(made)
    world.runtime.start_container(made, "app", attempt=0)
    return made


def opened(world: World, pod: SandboxSpec, *command: str, **streams: bool) -> Session:
    session = world.runtime.open_exec(pod.uid, "app", ExecSpec(command, **streams))
    session.socket.settimeout(20)
    return session


def said(session: Session) -> dict[int, bytes]:
    """All of the output, by stream."""
    frames, output = OutputFrames(), {STDOUT: b"", STDERR: b""}
    for data in received(session.socket):
        pieces = frames.receive(data) if session.framed else iter([(STDOUT, data)])
        for stream, piece in pieces:
            output[stream] += piece
    return output


def received(line: socket.socket) -> Iterator[bytes]:
    while data := line.recv(65536):
        yield data


def test_a_command_says_its_output_and_how_it_ended(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert said(session) == {STDOUT: b"out\n", STDERR: b"err\n"}
    assert session.exit_code() == 3
    session.close()


def test_stdin_is_read_to_its_end_and_output_goes_on_after_it(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "cat", stdin=True)
    session.socket.sendall(b"hello" * 100)
    session.socket.shutdown(socket.SHUT_WR)
    assert said(session)[STDOUT] == b"hello" * 100
    assert session.exit_code() == 0
    session.close()


def test_a_terminal_has_the_size_it_was_given(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "sh", stdin=True, tty=True)
    session.resize(columns=101, rows=33)
    session.socket.sendall(b"stty size; exit\n")
    assert not session.framed
    assert b"33 101" in said(session)[STDOUT]
    session.close()


def test_a_command_that_is_not_there_ends_with_the_runtimes_words(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "nope")
    output = said(session)[STDOUT]
    assert output.startswith(session.refusal) and b"executable file not found" in output
    assert session.exit_code() in (126, 127)
    session.close()


@pytest.mark.parametrize("tty", [False, True])
def test_a_hang_up_ends_a_command(world: World, pod: SandboxSpec, tty: bool) -> None:
    session = opened(world, pod, "sleep", "1000", tty=tty)
    until_it_runs(world, pod, "sleep")
    session.hang_up()
    session.close()
    assert session.exit_code() in (129, 137)


def test_a_command_that_heeds_no_hang_up_is_killed(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "sh", "-c", "trap '' HUP; echo ready; sleep 1000")
    assert session.socket.recv(100)
    session.hang_up()
    session.kill()
    session.close()
    assert session.exit_code() in (129, 137)


def test_a_command_dies_with_its_container(world: World, pod: SandboxSpec) -> None:
    session = opened(world, pod, "sleep", "1000")
    until_it_runs(world, pod, "sleep")
    world.runtime.kill(pod.uid)
    said(session)
    assert session.exit_code() == 137
    session.close()


def test_nothing_is_opened_in_a_container_that_is_not_there_or_not_the_accounts(world: World, pod: SandboxSpec) -> None:
    for name, account in (("side", None), ("app", "globex")):
        with pytest.raises(KeyError):
            world.runtime.open_exec(pod.uid, name, ExecSpec(("ls",)), account=account)
        with pytest.raises(KeyError):
            world.runtime.attach(pod.uid, name, stdin=True, account=account)
    with pytest.raises(KeyError):
        world.runtime.connect(pod.uid, 80, account="globex")


def test_nothing_is_opened_in_a_container_that_has_ended(world: World, pod: SandboxSpec) -> None:
    world.exit(pod.uid, "app", 0)
    with pytest.raises(RuntimeFault, match="is not running"):
        world.runtime.open_exec(pod.uid, "app", ExecSpec(("ls",)))
    with pytest.raises(RuntimeFault, match="is not running"):
        world.runtime.attach(pod.uid, "app", stdin=False)


def test_an_attachment_hears_the_containers_own_process_until_it_ends(world: World, pod: SandboxSpec) -> None:
    session = world.runtime.attach(pod.uid, "app", stdin=False, account="acme")
    session.socket.settimeout(20)
    world.print(pod.uid, "app", "spoken")
    world.exit(pod.uid, "app", 4)
    assert said(session)[STDOUT] == b"spoken\n"
    assert session.exit_code() == 0
    session.close()


def test_a_server_on_the_pods_loopback_is_reached(world: World, pod: SandboxSpec) -> None:
    world.serve(pod.uid, 8080)
    line = world.runtime.connect(pod.uid, 8080, account="acme")
    line.settimeout(20)
    line.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert b"404" in line.recv(100)
    line.close()


def test_a_port_where_nobody_listens_is_refused_in_go_s_words(world: World, pod: SandboxSpec) -> None:
    with pytest.raises(NoConnection, match=r"dial tcp4 127\.0\.0\.1:99: connect: connection refused"):
        world.runtime.connect(pod.uid, 99)


def test_a_pod_that_is_gone_has_no_ports(world: World, pod: SandboxSpec) -> None:
    world.serve(pod.uid, 8080)
    world.runtime.connect(pod.uid, 8080).close()
    world.runtime.remove_sandbox(pod.uid)
    with pytest.raises(KeyError):
        world.runtime.connect(pod.uid, 8080)


def until_it_runs(world: World, pod: SandboxSpec, name: str) -> None:
    deadline = time.monotonic() + 10
    while not world.runs(pod.uid, name):
        assert time.monotonic() < deadline
        time.sleep(0.01)
