"""A promise to programs we did not write: the real kubectl, three versions of it, and lightkube find a Kubernetes API.

No controller runs here: status stands still. What moves pods is tested on the running product.
"""

from __future__ import annotations

import subprocess
import threading
import time

import lightkube
import orjson
import pytest
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec, ResourceRequirements
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.types import PatchType

from tests import manifests, refused

VERSIONS = ("1.30", "1.31", "1.32", "1.33")


@pytest.fixture(params=VERSIONS)
def kube(kubectl, request):
    return kubectl(request.param)


@pytest.fixture
def web(tmp_path):
    """A file with a Deployment; `write(replicas=3)` changes it."""
    path = tmp_path / "web.json"

    def write(**changes):
        path.write_bytes(orjson.dumps(manifests.deployment("web", **changes)))
        return str(path)

    write()
    return write


@pytest.fixture
def applied(kube, web):
    kube("create", "namespace", "shop")
    kube("-n", "shop", "apply", "-f", web())
    return lambda *words, **rest: kube("-n", "shop", *words, **rest)


def test_it_lists_what_there_is(kube):
    listed = kube("api-resources")
    for name in ("pods", "deployments", "replicasets", "namespaces", "events", "networks"):
        assert f"\n{name} " in listed
    assert "statefulsets" not in listed and "replicationcontrollers" not in listed
    assert "networking.cci.io/v1beta1" in kube("api-versions")
    assert "Server Version: v1.33" in kube("version")


def test_it_explains(kube):
    assert "FIELD: strategy <DeploymentStrategy>" in kube("explain", "deployment.spec.strategy")
    assert "cidr" in kube("explain", "networks", "--recursive")
    assert "use a Deployment" in kube("explain", "statefulset")


def test_it_gets_all_of_an_empty_namespace(kube):
    kube("create", "namespace", "shop")
    assert "No resources found" in kube.run("-n", "shop", "get", "all").stderr


def test_it_creates_with_its_own_verbs(kube):
    """From 1.32 on these bodies are protobuf."""
    assert "namespace/shop created" in kube("create", "namespace", "shop")
    assert "created" in kube("-n", "shop", "create", "deployment", "web", "--image=busybox", "--replicas=0")
    assert "created" in kube("-n", "shop", "run", "one", "--image=busybox", "--restart=Never", "--", "sleep", "5")
    assert orjson.loads(kube("-n", "shop", "get", "deployment", "web", "-o", "json"))["spec"]["replicas"] == 0


def test_it_applies_once_and_then_finds_nothing_to_do(kube, web):
    kube("create", "namespace", "shop")
    assert "deployment.apps/web created" in kube("-n", "shop", "apply", "-f", web())
    assert "deployment.apps/web unchanged" in kube("-n", "shop", "apply", "-f", web())
    assert "deployment.apps/web configured" in kube("-n", "shop", "apply", "-f", web(replicas=3))


def test_it_diffs_and_runs_dry_without_a_trace(kube, applied, web):
    differs = kube.run("-n", "shop", "diff", "-f", web(replicas=3))
    assert differs.returncode == 1 and "+  replicas: 3" in differs.stdout
    assert "configured (server dry run)" in applied("apply", "--dry-run=server", "-f", web(replicas=3))
    assert applied("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "2"


def test_it_hears_the_price(kube, applied, web):
    assert "Warning: price in CNY: " in kube.run("-n", "shop", "apply", "-f", web(replicas=5)).stderr


def test_it_prints_the_columns_of_upstream(applied):
    assert applied("get", "deployments").split()[:5] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    wide = applied("get", "deployments", "-o", "wide").splitlines()
    assert wide[0].split()[5:8] == ["CONTAINERS", "IMAGES", "SELECTOR"]
    assert wide[1].split()[:2] == ["web", "0/2"] and "app=web" in wide[1]
    assert applied("get", "deployments", "-A").splitlines()[1].split()[:2] == ["shop", "web"]
    assert applied("get", "deployments", "--show-labels").splitlines()[1].endswith("app=web")
    assert "deployment.apps/web" in applied("get", "all")


def test_it_describes(applied):
    described = applied("describe", "deployment", "web")
    assert "25% max unavailable, 25% max surge" in described and "2 desired" in described
    assert "Status:       Active" in applied("describe", "namespace", "shop")


def test_it_scales_labels_annotates_sets_and_restarts(applied):
    assert "scaled" in applied("scale", "deployment/web", "--replicas=4")
    assert "labeled" in applied("label", "deployment", "web", "tier=front")
    assert "annotated" in applied("annotate", "deployment", "web", "note=here")
    assert "image updated" in applied("set", "image", "deployment/web", "app=busybox:2")
    assert "restarted" in applied("rollout", "restart", "deployment/web")
    obj = orjson.loads(applied("get", "deployment", "web", "-o", "json"))
    assert obj["spec"]["replicas"] == 4 and obj["metadata"]["labels"]["tier"] == "front"
    assert obj["spec"]["template"]["spec"]["containers"][0]["image"] == "busybox:2"


@pytest.mark.parametrize(
    ("type", "patch"),
    [
        ("strategic", '{"spec":{"replicas":7}}'),
        ("merge", '{"spec":{"replicas":7}}'),
        ("json", '[{"op":"replace","path":"/spec/replicas","value":7}]'),
    ],
)
def test_it_patches(applied, type, patch):
    applied("patch", "deployment", "web", f"--type={type}", "-p", patch)
    assert applied("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "7"


def test_it_learns_of_a_conflict(kube, applied, tmp_path):
    obj = orjson.loads(applied("get", "deployment", "web", "-o", "json"))
    applied("scale", "deployment/web", "--replicas=4")
    obj["spec"]["replicas"] = 9
    stale = tmp_path / "stale.json"
    stale.write_bytes(orjson.dumps(obj))
    said = kube.fails("-n", "shop", "replace", "-f", str(stale))
    assert "(Conflict)" in said and "the object has been modified" in said


def test_it_edits(kube, applied, tmp_path, monkeypatch):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/replicas: 2/replicas: 6/" "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("KUBE_EDITOR", str(editor))
    assert "deployment.apps/web edited" in applied("edit", "deployment", "web")
    assert applied("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "6"


def test_it_is_told_what_is_wrong_with_a_manifest(kube, applied, tmp_path):
    def refusal(**changes):
        manifest = manifests.deployment("bad")
        manifest["spec"] |= changes
        path = tmp_path / "bad.json"
        path.write_bytes(orjson.dumps(manifest))
        return kube.fails("-n", "shop", "apply", "-f", str(path))

    assert 'strict decoding error: unknown field "spec.replicaz"' in refusal(replicaz=2)
    assert "spec.replicas: Invalid value: -1" in refusal(replicas=-1)
    assert "`selector` does not match template `labels`" in refusal(selector={"matchLabels": {"app": "other"}})


def test_it_is_told_what_to_use_instead_of_a_statefulset(kube, applied):
    text = '{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"replicas": 1}}'
    assert "use a Deployment" in kube.fails("-n", "shop", "apply", "-f", "-", stdin=text)
    assert "use a Deployment" in kube.run("-n", "shop", "get", "statefulsets").stderr


@pytest.mark.parametrize("name", refused.EVERY)
def test_it_prints_why_each_of_the_eight_is_refused(kubectl, name):
    kube = kubectl("1.33")
    kube("create", "namespace", "shop")
    said = kube.fails("-n", "shop", "apply", "-f", "-", stdin=orjson.dumps(refused.manifest(name)).decode())
    assert refused.EVERY[name].sentence in said


def test_it_prunes_what_is_no_longer_applied(applied):
    applied("label", "deployment/web", "set=shop")
    other = manifests.deployment("other")
    other["metadata"]["labels"]["set"] = "shop"
    said = applied("apply", "--prune", "-l", "set=shop", "-f", "-", stdin=orjson.dumps(other).decode())
    assert "deployment.apps/other created" in said and "deployment.apps/web pruned" in said


def test_it_chooses_by_labels_and_fields(applied):
    assert "deployment.apps/web" in applied("get", "deployments", "-l", "app in (web,other)", "-o", "name")
    assert applied("get", "deployments", "-l", "app!=web", "-o", "name") == ""
    applied("run", "one", "--image=busybox", "--restart=Never")
    assert applied("get", "pods", "--field-selector=status.phase=Pending", "-o", "name") == "pod/one\n"
    assert applied("get", "pods", "--field-selector=status.phase=Running", "-o", "name") == ""


def test_it_pages_through_long_lists(applied):
    for name in ("a", "b", "c"):
        applied("create", "deployment", name, "--image=busybox")
    assert applied("get", "deployments", "--chunk-size=1", "-o", "name").count("deployment.apps/") == 4


def test_it_watches(kube, applied):
    watching = subprocess.Popen(
        kube.command("-n", "shop", "get", "deployments", "-w"), stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    guard = threading.Timer(20, watching.kill)
    guard.start()
    try:
        lines = iter(watching.stdout.readline, "")
        assert next(lines).split()[0] == "NAME"
        assert next(lines).split()[:2] == ["web", "0/2"]
        applied("scale", "deployment/web", "--replicas=5")
        assert next(lines).split()[:2] == ["web", "0/5"]
        applied("delete", "deployment", "web")
        assert next(lines).split()[:2] == ["web", "0/5"]
    finally:
        guard.cancel()
        watching.kill()
        watching.wait()
        watching.stdout.close()


def test_it_waits_and_deletes(kube, applied, web):
    assert 'deployment.apps "web" deleted' in applied("delete", "-f", web())
    assert "not found" in kube.fails("-n", "shop", "get", "deployment", "web")
    applied("create", "deployment", "web", "--image=busybox")
    waiting = subprocess.Popen(
        kube.command("-n", "shop", "wait", "--for=delete", "deployment/web", "--timeout=20s"), stdout=subprocess.DEVNULL
    )
    time.sleep(0.3)
    applied("delete", "deployments", "--all")
    assert waiting.wait(20) == 0


def test_it_knows_who_it_is_and_what_it_may(kube):
    assert "alice" in kube("auth", "whoami")
    assert kube("auth", "can-i", "create", "pods").strip() == "yes"
    assert "deployments.apps" in kube("auth", "can-i", "--list")
    assert kube.run("auth", "can-i", "create", "widgets").stdout.startswith("no")


def test_it_is_told_when_its_token_is_nobodys(kube):
    kube.config.write_text(kube.config.read_text().replace("token: cci-", "token: cci-not"))
    assert "You must be logged in to the server" in kube.fails("get", "pods", "-n", "shop")


@pytest.fixture
def light(kubectl):
    config = KubeConfig.from_file(kubectl("1.33").config)
    client = lightkube.Client(config=config.get(), namespace="shop", trust_env=False)
    yield client
    client.close()


def _deployment(replicas):
    labels = {"app": "web"}
    size = ResourceRequirements(limits={"cpu": "1", "memory": "2Gi"})
    container = Container(name="app", image="busybox", resources=size)
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[container]))
    spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(matchLabels=labels), template=template)
    return Deployment(metadata=ObjectMeta(name="web", labels=labels), spec=spec)


def test_lightkube_creates_gets_lists_patches_and_deletes(light):
    light.create(Namespace(metadata=ObjectMeta(name="shop")))
    light.create(_deployment(2))
    light.patch(Deployment, "web", {"spec": {"replicas": 3}}, patch_type=PatchType.MERGE)
    found = light.get(Deployment, "web")
    assert found.spec.replicas == 3
    assert [each.metadata.name for each in light.list(Deployment, labels={"app": "web"})] == ["web"]
    assert [each.metadata.name for each in light.list(Pod, namespace="*")] == []
    scale = light.get(Deployment.Scale, "web")
    assert scale.spec.replicas == 3
    found.spec.replicas = 4
    assert light.replace(found).spec.replicas == 4
    light.delete(Deployment, "web")
    with pytest.raises(ApiError) as refused:
        light.get(Deployment, "web")
    assert (refused.value.status.code, refused.value.status.reason) == (404, "NotFound")


def test_lightkube_watches(light):
    light.create(Namespace(metadata=ObjectMeta(name="shop")))
    light.create(_deployment(2))
    heard = []
    for type, obj in light.watch(Deployment, server_timeout=10):
        heard.append((type, obj.spec.replicas))
        if len(heard) == 1:
            light.patch(Deployment, "web", {"spec": {"replicas": 3}}, patch_type=PatchType.MERGE)
        else:
            break
    assert heard == [("ADDED", 2), ("MODIFIED", 3)]
