"""What may be opened in a container, and in which; what runs there is the agent's (tests/workloads/node)."""

from __future__ import annotations

from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, ExecOptions
from workloads.meta.errors import BadRequest, Forbidden, InternalError, NotFound

pytestmark = pytest.mark.django_db
LS = ExecOptions(command=("ls",))
RUNS = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


@pytest.fixture
def client(alice: Identity) -> Client:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    return client


def made(client: Client, *, state: Any = RUNS, annotations: Any = None, placed: bool = True) -> dict[str, Any]:
    """A pod of two containers, as it stands in the store."""
    manifest = manifests.pod("one", containers=[manifests.container("app"), manifests.container("side")])
    manifest["metadata"]["annotations"] = annotations or {}
    pod = client.create("Pod", manifest, "shop").obj
    hand = Client(Identity.controller("pods", client.identity.account))
    if placed:
        pod["spec"]["nodeName"] = "host-1"
        pod = hand.update("Pod", "one", pod, "shop").obj
    facts = {"ready": True, "restartCount": 0, "image": "x", "imageID": "", "state": state}
    pod["status"] = {"phase": "Running", "containerStatuses": [{"name": name, **facts} for name in ("app", "side")]}
    return hand.update("Pod", "one", pod, "shop", subresource="status").obj


def test_a_command_is_ordered_of_that_pods_container_for_its_account(client: Client) -> None:
    pod = made(client)
    order = client.exec_target("shop", "one", ExecOptions(command=("ls", "-l"), container="side")).order
    assert (order["uid"], order["account"], order["do"]) == (pod["metadata"]["uid"], "acme", "exec")
    assert (order["container"], order["command"]) == ("side", ["ls", "-l"])


@pytest.mark.parametrize(
    ("annotations", "container"),
    [
        ({}, "app"),
        ({"kubectl.kubernetes.io/default-container": "side"}, "side"),
        ({"kubectl.kubernetes.io/default-container": "gone"}, "app"),
    ],
)
def test_without_a_name_it_is_the_default_container_or_the_first(
    client: Client, annotations: dict[str, str], container: str
) -> None:
    made(client, annotations=annotations)
    assert client.exec_target("shop", "one", LS).order["container"] == container
    assert client.attach_target("shop", "one", ExecOptions()).order["container"] == container


def test_a_terminal_has_one_output(client: Client) -> None:
    made(client)
    order = client.exec_target("shop", "one", ExecOptions(command=("sh",), tty=True)).order
    assert (order["stdout"], order["stderr"], order["tty"]) == (True, False, True)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"waiting": {"reason": "ImagePullBackOff"}}, 'container not found \\("app"\\)'),
        ({"terminated": {"exitCode": 0}}, "stopped container"),
        ({}, "container not found"),
    ],
)
def test_a_container_that_does_not_run_takes_no_commands(client: Client, state: Any, words: str) -> None:
    made(client, state=state)
    with pytest.raises(InternalError, match=words):
        client.exec_target("shop", "one", LS)


def test_what_makes_no_sense_is_refused(client: Client) -> None:
    made(client)
    silent = ExecOptions(command=("ls",), stdout=False, stderr=False)
    for options in (ExecOptions(), silent, ExecOptions(command=("ls",), container="gone")):
        with pytest.raises(BadRequest):
            client.exec_target("shop", "one", options)


def test_a_pod_without_a_place_has_no_streams(client: Client) -> None:
    made(client, placed=False)
    with pytest.raises(BadRequest, match="does not have a host assigned"):
        client.exec_target("shop", "one", LS)
    with pytest.raises(BadRequest, match="does not have a host assigned"):
        client.forward_target("shop", "one")


def test_ports_of_a_pod_that_does_not_run_are_not_forwarded(client: Client) -> None:
    pod = made(client)
    pod["status"]["phase"] = "Succeeded"
    Client(Identity.controller("pods", "acme")).update("Pod", "one", pod, "shop", subresource="status")
    with pytest.raises(InternalError, match="Current status=Succeeded"):
        client.forward_target("shop", "one")


def test_a_stranger_finds_no_pod_and_a_reader_may_not_open_one(client: Client, charlie: Identity) -> None:
    made(client)
    reader = Client(Identity("acme", "reader", actions=("cci:*:get", "cci:*:list")))
    for each, error in ((Client(charlie), NotFound), (reader, Forbidden)):
        with pytest.raises(error):
            each.exec_target("shop", "one", LS)
        with pytest.raises(error):
            each.attach_target("shop", "one", ExecOptions())
        with pytest.raises(error):
            each.forward_target("shop", "one")
