"""A pod of the cluster as it stands in CCI: names, references, fields, images, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from burst import names
from burst.images import Rule, parse_rule, replaced
from burst.refusals import Refused
from burst.translate import Cluster, Source, Token, Translation, translate
from tests.burst.pods import CLUSTER_ID, container, pod

CLUSTER = Cluster(CLUSTER_ID)


def translated(given: dict[str, Any], cluster: Cluster = CLUSTER) -> Translation:
    return translate(given, cluster)


def test_it_is_named_by_namespace_and_pod_and_says_whose_it_is() -> None:
    metadata = translated(pod()).pod["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("cce-burst-c1", "shop-web")
    assert metadata["labels"] == {
        "app": "web",
        names.CLUSTER_LABEL: "c1",
        names.NAMESPACE_LABEL: "shop",
        names.UID_LABEL: "uid-shop.web",
    }


def test_its_size_is_written_on_it() -> None:
    annotations = translated(pod()).pod["metadata"]["annotations"]
    assert annotations[names.SIZE_ANNOTATION] == "0.25_1.0"
    assert (annotations[names.CPU_ANNOTATION], annotations[names.MEMORY_ANNOTATION]) == ("0.25", "1Gi")


def test_what_says_where_to_run_is_left_out_and_its_host_name_stays() -> None:
    given = pod(tolerations=[{}], affinity={}, priority=0, serviceAccountName="robot", schedulerName="volcano")
    spec = translated(given).pod["spec"]
    assert set(spec) == {"containers", "hostname", "automountServiceAccountToken", "enableServiceLinks"}
    assert spec["hostname"] == "web"


def test_the_original_stays_as_it_was() -> None:
    given = pod(volumes=[{"name": "v", "configMap": {"name": "settings"}}])
    translated(given)
    assert given["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "settings"}}]


def test_references_are_those_of_the_copies() -> None:
    environment = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]
    source = [{"secretRef": {"name": "keys", "optional": True}}]
    given = pod(
        containers=[container(env=environment, envFrom=source)],
        volumes=[{"name": "v", "secret": {"secretName": "tls"}}],
        imagePullSecrets=[{"name": "registry"}],
    )
    done = translated(given)
    settings, keys, registry, tls = done.sources
    assert [str(one) for one in done.sources] == [
        "ConfigMap/shop/settings",
        "Secret/shop/keys",
        "Secret/shop/registry",
        "Secret/shop/tls",
    ]
    assert (settings.optional, keys.optional, registry.optional, tls.optional) == (False, True, True, False)
    main = done.pod["spec"]["containers"][0]
    assert main["env"][0]["valueFrom"]["configMapKeyRef"]["name"] == settings.copy
    assert main["envFrom"][0]["secretRef"] == {"name": keys.copy, "optional": True}
    assert done.pod["spec"]["volumes"][0]["secret"]["secretName"] == tls.copy
    assert done.pod["spec"]["imagePullSecrets"] == [{"name": registry.copy}]


def test_a_reference_that_is_needed_once_is_needed() -> None:
    volumes = [
        {"name": "v", "secret": {"secretName": "s"}},
        {"name": "w", "secret": {"secretName": "s", "optional": True}},
    ]
    assert [source.optional for source in translated(pod(volumes=volumes)).sources] == [False]


def test_copies_of_namespaces_that_read_alike_have_names_of_their_own() -> None:
    one, other = Source("Secret", "a-b", "c"), Source("Secret", "a", "b-c")
    assert one.copy != other.copy
    assert len(Source("Secret", "a" * 63, "b" * 253).copy) <= 253


def test_the_service_accounts_files_become_a_secret_the_clusters_authority_and_the_pods_own_fields() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    done = translated(pod(serviceAccountName="robot", volumes=[{"name": "v", "projected": {"sources": sources}}]))
    token, authority, fields = done.pod["spec"]["volumes"][0]["projected"]["sources"]
    assert token["secret"]["items"] == [{"key": "token-0", "path": "token"}]
    assert done.tokens == (Token("token-0", "robot", "", 3607),)
    assert authority["configMap"]["name"] == Source("ConfigMap", "shop", "kube-root-ca.crt").copy
    assert fields["configMap"]["items"] == [{"key": "metadata.namespace", "path": "namespace"}]
    assert done.fields == {"metadata.namespace": "shop"}


def test_fields_that_are_others_in_cci_are_told_as_the_cluster_has_them() -> None:
    paths = {
        "NAME": "metadata.name",
        "NODE": "spec.nodeName",
        "ACCOUNT": "spec.serviceAccountName",
        "IP": "status.podIP",
    }
    environment = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in paths.items()]
    env = translated(pod(containers=[container(env=environment)])).pod["spec"]["containers"][0]["env"]
    assert env[:3] == [
        {"name": "NAME", "value": "web"},
        {"name": "NODE", "value": "virtual-kubelet"},
        {"name": "ACCOUNT", "value": "default"},
    ]
    assert env[3]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}


def test_files_of_labels_stay_files_of_labels_beside_those_of_the_name() -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
    ]
    (volume,) = translated(pod(volumes=[{"name": "v", "downwardAPI": {"items": items}}])).pod["spec"]["volumes"]
    fields, labels = volume["projected"]["sources"]
    assert fields["configMap"]["items"] == [{"key": "metadata.name", "path": "name"}]
    assert labels == {"downwardAPI": {"items": items[:1]}}


def test_pods_are_told_the_clusters_address_where_it_is_known() -> None:
    cluster = Cluster(CLUSTER_ID, api_address="[2001:db8::1]:6443")
    env = translated(pod(), cluster).pod["spec"]["containers"][0]["env"]
    assert {one["name"]: one["value"] for one in env} == {
        "KUBERNETES_SERVICE_HOST": "2001:db8::1",
        "KUBERNETES_SERVICE_PORT": "6443",
    }


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"hostNetwork": True}, "BurstFieldRefused", "spec.hostNetwork"),
        ({"hostPID": True}, "BurstFieldRefused", "spec.hostPID"),
        ({"runtimeClassName": "kata"}, "BurstFieldRefused", "spec.runtimeClassName"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "BurstVolumeRefused", "volume v is of type hostPath"),
        (
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]},
            "BurstVolumeRefused",
            "the cluster's storage",
        ),
        ({"volumes": [{"name": "v", "nfs": {}}]}, "BurstVolumeRefused", "of type nfs"),
        ({"containers": [container(ports=[{"hostPort": 80}])]}, "BurstFieldRefused", "hostPort"),
        (
            {"containers": [container(resources={"limits": {"nvidia.com/gpu": "1"}})]},
            "BurstResourceRefused",
            "nvidia.com/gpu is not burst",
        ),
    ],
)
def test_what_cci_does_not_have_is_refused_by_name(fields: dict[str, Any], reason: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        translated(pod(**fields))
    assert refused.value.reason == reason
    assert words in refused.value.sentence


def test_a_pod_of_a_daemonset_is_refused() -> None:
    given = pod()
    given["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "proxy"}]
    with pytest.raises(Refused, match="DaemonSet"):
        translated(given)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.local/app/web:1", "mirror.example.com/app/web:1"),
        ("registry.local/other:1", "hub.example.com/other:1"),
        ("registry.localx/app:1", "registry.localx/app:1"),
        ("nginx:1.27", "public.example.com/nginx:1.27"),
        ("team/nginx", "public.example.com/team/nginx"),
        ("quay.io/team/nginx", "quay.io/team/nginx"),
    ],
)
def test_the_longest_prefix_decides_from_where_an_image_comes(image: str, expected: str) -> None:
    rules = (
        Rule("registry.local", "hub.example.com"),
        Rule("registry.local/app", "mirror.example.com/app"),
        Rule("", "public.example.com"),
    )
    assert replaced(image, rules) == expected


def test_a_pods_own_rules_come_before_those_of_the_command_line() -> None:
    given = pod()
    given["metadata"]["annotations"] = {
        names.IMAGES_ANNOTATION: '[{"repositoryPrefix": "nginx", "replaceWith": "mine/nginx"}]'
    }
    done = translated(given, Cluster(CLUSTER_ID, rules=(Rule("nginx", "theirs/nginx"),)))
    assert done.pod["spec"]["containers"][0]["image"] == "mine/nginx:1.27"


def test_rules_that_cannot_be_read_are_refused() -> None:
    given = pod()
    given["metadata"]["annotations"] = {names.IMAGES_ANNOTATION: "nginx=mine"}
    with pytest.raises(Refused, match="must be a JSON list"):
        translated(given)
    with pytest.raises(ValueError, match="PREFIX=REPLACEMENT"):
        parse_rule("registry.local")
