"""The clients that programs are written with, each on a day's work against the running product: none of them is told
that this is no Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import kr8s
import kubernetes_asyncio
import lightkube
import pytest
from kr8s.asyncio import objects as kr8s_objects
from kubernetes import client as official
from kubernetes import config as kubeconfigs
from kubernetes import watch
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError
from kubernetes.stream import portforward, stream
from lightkube.config.kubeconfig import KubeConfig
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from tests import manifests
from tests.stack import Stack

JSON = dict[str, Any]
NAMESPACE = "clients"
SERVES = "mkdir -p /www; echo hello > /www/index.html; echo ready; httpd -p 127.0.0.1:8080 -h /www; exec sleep 1000"
SAYS = ["sh", "-c", "echo out; echo err >&2; exit 3"]
GREETING = b"GET / HTTP/1.0\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def one(stack: Stack) -> Iterator[None]:
    """The namespace for all of these, with the pod `one` in it, which runs and serves on its loopback."""
    stack.kubectl("create", "namespace", NAMESPACE)
    stack.apply(placed(manifests.pod("one", containers=[manifests.container(command=("sh", "-c", SERVES))])))
    stack.kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    yield
    stack.kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


@pytest.fixture
def api(stack: Stack) -> Iterator[official.ApiClient]:
    with kubeconfigs.new_client_from_config(config_file=str(stack.kubeconfig())) as client:
        yield client


def placed(manifest: JSON) -> JSON:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}


def typed(name: str) -> official.V1Deployment:
    labels = {"app": name}
    size = official.V1ResourceRequirements(limits={"cpu": "250m", "memory": "1Gi"})
    app = official.V1Container(name="app", image=manifests.IMAGE, command=["sleep", "1000"], resources=size)
    pod = official.V1PodSpec(containers=[app], termination_grace_period_seconds=1)
    template = official.V1PodTemplateSpec(metadata=official.V1ObjectMeta(labels=labels), spec=pod)
    selector = official.V1LabelSelector(match_labels=labels)
    spec = official.V1DeploymentSpec(replicas=1, selector=selector, template=template)
    return official.V1Deployment(metadata=official.V1ObjectMeta(name=name, labels=labels), spec=spec)


def test_the_official_client_sees_a_deployment_from_birth_to_end(stack: Stack, api: official.ApiClient) -> None:
    apps, core = official.AppsV1Api(api), official.CoreV1Api(api)
    revision = apps.create_namespaced_deployment(NAMESPACE, typed("typed")).metadata.resource_version
    seen, following = [], watch.Watch()
    asked = {"field_selector": "metadata.name=typed", "resource_version": revision, "timeout_seconds": 60}
    for event in following.stream(apps.list_namespaced_deployment, NAMESPACE, **asked):
        seen.append((event["type"], event["object"].status.ready_replicas))
        if seen[-1][1]:
            following.stop()
    assert seen[-1] == ("MODIFIED", 1)
    (pod,) = core.list_namespaced_pod(NAMESPACE, label_selector="app=typed").items
    assert (pod.status.phase, pod.metadata.owner_references[0].kind) == ("Running", "ReplicaSet")

    apps.delete_namespaced_deployment("typed", NAMESPACE, propagation_policy="Foreground")
    stack.wait(lambda: not apps.list_namespaced_deployment(NAMESPACE).items, what="the Deployment to be gone")
    assert core.list_namespaced_pod(NAMESPACE, label_selector="app=typed").items == []
    with pytest.raises(official.ApiException) as gone:
        apps.read_namespaced_deployment("typed", NAMESPACE)
    assert (gone.value.status, gone.value.reason) == (404, "Not Found")


def test_the_official_client_changes_a_deployment_in_each_way(api: official.ApiClient) -> None:
    apps, name = official.AppsV1Api(api), "changed"
    apps.create_namespaced_deployment(NAMESPACE, typed(name))
    app = {"name": "app", "env": [{"name": "COLOUR", "value": "green"}]}
    apps.patch_namespaced_deployment(name, NAMESPACE, {"spec": {"template": {"spec": {"containers": [app]}}}})
    apps.patch_namespaced_deployment(name, NAMESPACE, [{"op": "add", "path": "/metadata/labels/tier", "value": "a"}])
    apps.patch_namespaced_deployment_scale(name, NAMESPACE, {"spec": {"replicas": 0}})

    found = apps.read_namespaced_deployment(name, NAMESPACE)
    (container,) = found.spec.template.spec.containers
    assert (container.image, container.env[0].value) == (manifests.IMAGE, "green")
    assert (found.spec.replicas, found.metadata.labels["tier"]) == (0, "a")
    apps.patch_namespaced_deployment(name, NAMESPACE, {"metadata": {"labels": {"tier": "b"}}})
    with pytest.raises(official.ApiException) as stale:
        apps.replace_namespaced_deployment(name, NAMESPACE, found)
    assert stale.value.status == 409 and "the object has been modified" in stale.value.body
    found.metadata.resource_version, found.spec.paused = None, True
    assert apps.replace_namespaced_deployment(name, NAMESPACE, found).spec.paused
    apps.delete_namespaced_deployment(name, NAMESPACE)


def test_the_official_client_reads_page_by_page_and_deletes_by_label(api: official.ApiClient) -> None:
    core, names = official.CoreV1Api(api), []
    for letter in "abcde":
        meta = official.V1ObjectMeta(name=f"page-{letter}", labels={"set": "pages"})
        core.create_namespaced_config_map(NAMESPACE, official.V1ConfigMap(metadata=meta, data={"letter": letter}))
    more = ""
    while more is not None:
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="set=pages", limit=2, _continue=more)
        assert len(page.items) <= 2
        names += [item.data["letter"] for item in page.items]
        more = page.metadata._continue
    assert names == list("abcde")
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="set=pages")
    assert core.list_namespaced_config_map(NAMESPACE, label_selector="set=pages").items == []


def test_the_official_client_runs_a_command_and_forwards_a_port(stack: Stack, api: official.ApiClient) -> None:
    core = official.CoreV1Api(api)
    asked = {"command": SAYS, "stdout": True, "stderr": True, "stdin": False, "tty": False, "_preload_content": False}
    command = stream(core.connect_get_namespaced_pod_exec, "one", NAMESPACE, **asked)
    command.run_forever(timeout=30)
    assert (command.read_stdout(), command.read_stderr(), command.returncode) == ("out\n", "err\n", 3)
    command.sock.shutdown()
    assert core.read_namespaced_pod_log("one", NAMESPACE) == "ready\n"

    forward = portforward(core.connect_get_namespaced_pod_portforward, "one", NAMESPACE, ports="8080")
    line = forward.socket(8080)
    line.setblocking(True)
    line.sendall(GREETING)
    assert b"".join(iter(lambda: line.recv(4096), b"")).endswith(b"\r\n\r\nhello\n")
    line.close()
    forward.close()
    stack.wait(
        lambda: all(one.python.fileno() == -1 for one in forward.local_ports.values()), what="both ends to close"
    )
    forward.websocket.shutdown()


def test_the_dynamic_client_finds_every_kind_and_applies(api: official.ApiClient) -> None:
    dynamic = DynamicClient(api)
    networks = dynamic.resources.get(api_version="networking.cci.io/v1beta1", kind="Network")
    assert networks.get(namespace=NAMESPACE).items[0].spec.cidr
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dynamic"}, "data": {"a": "1"}}
    made = maps.server_side_apply(config, "dynamic", NAMESPACE, field_manager="tests")
    assert made.metadata.managedFields[0].manager == "tests"
    maps.patch({"data": {"b": "2"}}, "dynamic", NAMESPACE, content_type="application/merge-patch+json")
    following = watch.Watch()
    for event in maps.watch(namespace=NAMESPACE, name="dynamic", timeout=30, watcher=following):
        following.stop()
        assert (event["type"], event["object"].data.to_dict()) == ("ADDED", {"a": "1", "b": "2"})
    maps.delete("dynamic", NAMESPACE)
    with pytest.raises(NotFoundError):
        maps.get("dynamic", NAMESPACE)


async def test_the_asynchronous_client_watches_a_job_and_runs_a_command(stack: Stack) -> None:
    settings = kubernetes_asyncio.client.Configuration()
    await kubernetes_asyncio.config.load_kube_config(str(stack.kubeconfig()), client_configuration=settings)
    async with kubernetes_asyncio.client.ApiClient(settings) as client:
        batch = kubernetes_asyncio.client.BatchV1Api(client)
        made = await batch.create_namespaced_job(NAMESPACE, manifests.job("sum"))
        asked = {"field_selector": "metadata.name=sum", "timeout_seconds": 60}
        async with kubernetes_asyncio.watch.Watch() as following:
            async for event in following.stream(batch.list_namespaced_job, NAMESPACE, **asked):
                if event["object"].status.succeeded:
                    break
        done = await batch.read_namespaced_job("sum", NAMESPACE)
        assert (done.metadata.uid, done.status.succeeded) == (made.metadata.uid, 1)
        await batch.delete_namespaced_job("sum", NAMESPACE, propagation_policy="Background")
    async with kubernetes_asyncio.stream.WsApiClient(settings) as websockets:
        core = kubernetes_asyncio.client.CoreV1Api(websockets)
        streams = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
        said = await core.connect_get_namespaced_pod_exec("one", NAMESPACE, command=SAYS, **streams)
        assert sorted(said.split()) == ["err", "out"]


async def test_kr8s_makes_waits_scales_reads_runs_and_forwards(stack: Stack) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(stack.kubeconfig()), namespace=NAMESPACE)
    web = await kr8s_objects.Deployment(placed(manifests.deployment("kr8s", replicas=1)), api=api)
    await web.create()
    await web.wait("condition=Available", timeout=60)
    await web.scale(0)
    assert (await kr8s_objects.Deployment.get("kr8s", namespace=NAMESPACE, api=api)).replicas == 0
    await web.delete(propagation_policy="Background")

    pod = await kr8s_objects.Pod.get("one", namespace=NAMESPACE, api=api)
    assert await pod.ready() and [line async for line in pod.logs()] == ["ready"]
    done = await pod.exec(SAYS, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
    async with pod.portforward(8080) as port, httpx.AsyncClient() as browser:
        assert (await browser.get(f"http://127.0.0.1:{port}/")).text == "hello\n"
    asked = {"namespace": NAMESPACE, "field_selector": "metadata.name=one"}
    assert [found.name async for found in api.get("pods", **asked)] == ["one"]


def test_lightkube_applies_waits_and_reads_logs(stack: Stack) -> None:
    config = KubeConfig.from_file(stack.kubeconfig()).get()
    with_names = lightkube.Client(config=config, namespace=NAMESPACE, field_manager="tests", trust_env=False)
    web = Deployment.from_dict(placed(manifests.deployment("light", replicas=1)))
    assert with_names.apply(web).metadata.managedFields[0].operation == "Apply"
    assert with_names.wait(Deployment, "light", for_conditions=["Available"]).status.readyReplicas == 1
    assert [pod.status.phase for pod in with_names.list(Pod, labels={"app": "light"})] == ["Running"]
    assert list(with_names.log("one")) == ["ready\n"]
    with_names.delete(Deployment, "light")
    with_names.close()
