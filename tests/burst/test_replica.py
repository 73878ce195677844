"""One replica as it is started: it registers the node, answers as kubelet and webhook, and takes leave in order."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress

import aiohttp
import pytest

from burst import certificates, options, replica, webhook
from burst.options import Options
from burst.replica import Replica
from burst.translate import Cluster, translate
from tests.burst.fakeapi import FakeApi
from tests.burst.pods import CLUSTER_ID, pod
from tests.burst.worlds import CCI_NAMESPACE, World, world


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def told(*more: str) -> Options:
    kubelet, hook = free_port(), free_port()
    words = ["--cluster-id", CLUSTER_ID, "--cci-kubeconfig", "/none", "--node-address", "127.0.0.1"]
    words += ["--kubelet-port", str(kubelet), "--webhook-port", str(hook)]
    return options.parse([*words, "--webhook-url", f"https://127.0.0.1:{hook}/mutate", *more])


async def stopped(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def holder(cluster: FakeApi) -> str:
    return str(cluster.objects[("leases", "kube-system", "cci-burst")]["spec"]["holderIdentity"])


async def until_ready(made: World) -> None:
    await made.until(lambda: made.cluster.objects.get(("nodes", "", "virtual-kubelet"), {}).get("status"))


async def test_it_leads_serves_and_leaves_nothing_behind_when_asked_to() -> None:
    async with world() as made:
        given = told("--remove-node")
        running = asyncio.create_task(Replica(given, made.cluster_api, made.cci_api).run())
        await until_ready(made)
        assert holder(made.cluster) == given.identity
        made.cci.put("pods", translate(pod(), Cluster(CLUSTER_ID)).pod)
        bundle = await webhook.certificate(made.cluster_api, "kube-system", "unused")
        trust = ssl.create_default_context(cadata=bundle.authority)
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer good-apiserver"}) as session:
            async with session.get(given.webhook_url.replace("mutate", "healthz"), ssl=trust) as response:
                assert response.status == 200
            async with session.get(f"https://127.0.0.1:{given.kubelet_port}/pods", ssl=anybody) as response:
                assert (await response.json())["items"] == []
        await stopped(running)
        assert not made.cluster.named("nodes")
        assert holder(made.cluster) == ""
        assert made.cci.named("pods")


async def test_without_being_asked_to_the_node_stays_for_the_next_one() -> None:
    async with world() as made:
        running = asyncio.create_task(Replica(told(), made.cluster_api, made.cci_api).run())
        await until_ready(made)
        await stopped(running)
        assert list(made.cluster.named("nodes")) == ["virtual-kubelet"]
        assert made.cci.named("leases", CCI_NAMESPACE)


async def test_the_api_servers_client_certificate_is_known_by_the_clusters_authority() -> None:
    async with world() as made:
        authority = certificates.make("any").authority
        data = {"client-ca-file": authority}
        metadata = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
        made.cluster.put("configmaps", {"metadata": metadata, "data": data})
        assert await Replica(told(), made.cluster_api, made.cci_api)._clients() == authority


async def test_a_cluster_that_is_away_at_the_start_is_asked_again_for_that_authority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica, "RETRY_SECONDS", 0.01)
    async with world() as made:
        metadata = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
        made.cluster.put("configmaps", {"metadata": metadata, "data": {"client-ca-file": "theirs"}})
        made.cluster.refuse[("GET", "configmaps")] = (503, "ServiceUnavailable", "starting")
        asking = asyncio.create_task(Replica(told(), made.cluster_api, made.cci_api)._clients())
        await made.until(lambda: made.cluster.requests)
        made.cluster.refuse.clear()
        assert await asyncio.wait_for(asking, 5) == "theirs"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--cluster-id", "No_1"), "lower case letters, digits and dashes"),
        (("--replace-image", "a"), "PREFIX=REPLACEMENT"),
        (("--grace-seconds", "5"), "at least 60"),
        (("--cluster-api", "there"), "HOST:PORT"),
        (("--kubelet-key", "k"), "belong together"),
        (("--webhook-service", "x"), "NAMESPACE/NAME"),
    ],
)
def test_what_it_is_told_wrongly_is_said(
    words: tuple[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options.parse(["--cluster-id", "c1", "--cci-kubeconfig", "/none", *words])
    assert sentence in capsys.readouterr().err
