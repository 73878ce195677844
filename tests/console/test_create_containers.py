"""A container in the forms: what each field makes in the manifest, and where a refusal of it stands."""

from __future__ import annotations

from typing import Any

import pytest

from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError, placed, together
from console.forms.podtemplates import PodDraft
from console.forms.presses import pressed
from workloads.kinds import registry

pytestmark = pytest.mark.django_db
"""The grid of pod specifications is the operator's table."""
JSON = dict[str, Any]
WEB = {
    "name": "web",
    "namespace": "shop",
    "size": "1.00_2.0",
    "containers-0-name": "app",
    "containers-0-image": "nginx:1",
}


def pod_of(**fields: str) -> PodDraft:
    """Of WEB and `fields`, which are named as within its container."""
    return DeploymentDraft.read(WEB | {f"containers-0-{name}": value for name, value in fields.items()}).pod


def spec_of(fields: dict[str, str]) -> JSON:
    spec: JSON = pod_of(**fields).template({})["spec"]
    return spec


def said(fields: dict[str, str]) -> list[FieldError]:
    """All that the form and the kind's own rules say of WEB with `fields`, at its field."""
    draft = DeploymentDraft.read(WEB | fields)
    (manifest,) = draft.manifests()
    kind = registry.kind("Deployment")
    kind.default(manifest)
    return together(draft.problems(), placed(draft, kind.validate(manifest, None)))


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"env-0-name": "A", "env-0-value": " x "}, {"env": [{"name": "A", "value": " x "}]}),
        (
            {"env-0-name": "A", "env-0-source": "PodIP"},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
        ),
        (
            {"env-0-name": "A", "env-0-source": "LimitCPU"},
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]},
        ),
        (
            {"env-0-name": "A", "env-0-source": "configMap/settings/colour"},
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}]},
        ),
        (
            {"env-0-name": "A", "env-0-source": "secret/db/password"},
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]},
        ),
        (
            {"from-0-source": "configMap/settings", "from-1-source": "secret/db", "from-1-prefix": "DB_"},
            {"envFrom": [{"configMapRef": {"name": "settings"}}, {"prefix": "DB_", "secretRef": {"name": "db"}}]},
        ),
        (
            {"readiness-way": "http", "readiness-port": "8080", "readiness-path": "/ok", "readiness-success": "2"},
            {"readinessProbe": {"httpGet": {"path": "/ok", "port": 8080}, "successThreshold": 2}},
        ),
        (
            {"liveness-way": "tcp", "liveness-port": "6379", "liveness-delay": "3", "liveness-period": "5"},
            {"livenessProbe": {"tcpSocket": {"port": 6379}, "initialDelaySeconds": 3, "periodSeconds": 5}},
        ),
        (
            {
                "startup-way": "command",
                "startup-command": "sh -c 'a b'",
                "startup-failure": "9",
                "startup-timeout": "2",
            },
            {
                "startupProbe": {
                    "exec": {"command": ["sh", "-c", "a b"]},
                    "timeoutSeconds": 2,
                    "failureThreshold": 9,
                }
            },
        ),
        (
            {"post-start-way": "command", "post-start-command": "touch /x", "pre-stop-way": "sleep"},
            {"lifecycle": {"postStart": {"exec": {"command": ["touch", "/x"]}}, "preStop": {"sleep": {"seconds": 5}}}},
        ),
        (
            {"pre-stop-way": "http", "pre-stop-port": "443", "pre-stop-scheme": "HTTPS"},
            {"lifecycle": {"preStop": {"httpGet": {"path": "/", "port": 443, "scheme": "HTTPS"}}}},
        ),
        ({"readiness-way": "", "readiness-port": "8080", "pre-stop-command": "true"}, {}),
        ({"command": "sleep 9", "args": "-x", "working_dir": "/srv"}, {"command": ["sleep", "9"], "args": ["-x"]}),
    ],
)
def test_what_a_field_makes_in_the_container(fields: dict[str, str], made: JSON) -> None:
    (container,) = spec_of(fields)["containers"]
    plain = {"name", "image", "imagePullPolicy", "resources", "workingDir"}
    assert {name: value for name, value in container.items() if name not in plain} == made


@pytest.mark.parametrize(
    ("fields", "volume", "mount"),
    [
        ({"path": "/tmp"}, {"emptyDir": {}}, {}),
        (
            {"what": "memory", "path": "/tmp", "limit": "0.5"},
            {"emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi"}},
            {},
        ),
        ({"path": "/tmp", "limit": "64Mi"}, {"emptyDir": {"sizeLimit": "64Mi"}}, {}),
        ({"what": "configMap/site", "path": "/w", "sub_path": "a"}, {"configMap": {"name": "site"}}, {"subPath": "a"}),
        ({"what": "secret/db", "path": "/w", "read_only": "on"}, {"secret": {"secretName": "db"}}, {"readOnly": True}),
        ({"what": "claim/data", "path": "/w"}, {"persistentVolumeClaim": {"claimName": "data"}}, {}),
    ],
)
def test_what_a_mount_makes(fields: dict[str, str], volume: JSON, mount: JSON) -> None:
    spec = spec_of({f"mount-0-{name}": value for name, value in fields.items()})

    assert spec["volumes"] == [{"name": "volume-0", **volume}]
    assert spec["containers"][0]["volumeMounts"] == [{"name": "volume-0", "mountPath": fields["path"], **mount}]


def test_containers_share_what_has_the_same_name_and_nothing_else() -> None:
    shared = {"mount-0-path": "/a", "mount-0-name": "cache", "mount-1-path": "/own", "mount-2-what": "secret/db"}
    fields = {f"containers-{index}-{name}": value for index in (0, 1) for name, value in shared.items()}
    spec = DeploymentDraft.read(WEB | fields | {"containers-1-image": "b"}).pod.template({})["spec"]

    assert [volume["name"] for volume in spec["volumes"]] == ["cache", "volume-0", "volume-1", "volume-2"]
    mounted = [[mount["name"] for mount in container["volumeMounts"]] for container in spec["containers"]]
    assert mounted == [["cache", "volume-0", "volume-1"], ["cache", "volume-2", "volume-1"]]


def test_a_container_that_runs_first_is_an_init_container() -> None:
    first = {"containers-1-name": "first", "containers-1-image": "b", "containers-1-role": "init"}
    spec = DeploymentDraft.read(WEB | first).pod.template({})["spec"]

    assert [container["name"] for container in spec["containers"]] == ["app"]
    assert [container["name"] for container in spec["initContainers"]] == ["first"]
    assert spec["initContainers"][0]["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}


def test_secrets_for_the_registry_are_those_that_are_ticked() -> None:
    pod = DeploymentDraft.read(WEB | {"pull-secret-team": "on", "pull-secret-b.c": "on"}).pod
    assert pod.template({})["spec"]["imagePullSecrets"] == [{"name": "team"}, {"name": "b.c"}]


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"dns_servers": "8.8.8.8, 1.1.1.1"}, {"dnsConfig": {"nameservers": ["8.8.8.8", "1.1.1.1"]}}),
        (
            {"dns_servers": "8.8.8.8", "dns_searches": "a.b", "dns_alone": "on"},
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["8.8.8.8"], "searches": ["a.b"]}},
        ),
        ({}, {}),
    ],
)
def test_whom_a_pod_asks_for_names(fields: dict[str, str], made: JSON) -> None:
    spec = DeploymentDraft.read(WEB | fields).pod.template({})["spec"]
    assert {name: value for name, value in spec.items() if name.startswith("dns")} == made


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dns_alone": "on"}, "dns_servers"),
        ({"dns_servers": "nowhere"}, "dns_servers"),
        ({"dns_searches": "A_b!"}, "dns_searches"),
    ],
)
def test_a_refused_dns_stands_at_its_field_on_the_advanced_step(fields: dict[str, str], field: str) -> None:
    assert {error.field for error in said(fields)} == {field}
    assert DeploymentDraft.read(WEB).step_of(field) == "advanced"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"env-0-name": "1=x", "env-0-value": "1"}, "env-0-name", "environment variable"),
        ({"env-0-source": "PodIP"}, "env-0-name", "Required"),
        ({"env-3-name": "A", "env-3-source": "configMap/settings/"}, "env-0-source", "Required"),
        ({"env-0-name": "A", "env-0-source": "secret/Db_/x"}, "env-0-source", "lowercase"),
        ({"env-0-name": "A", "env-0-source": "moon"}, "env-0-source", "one of the list"),
        ({"from-0-prefix": "A_"}, "from-0-source", "Choose the ConfigMap"),
        ({"from-0-source": "secret/db", "from-0-prefix": "1="}, "from-0-prefix", "environment variable"),
        ({"liveness-way": "http"}, "liveness-port", "number of the port"),
        ({"liveness-way": "tcp", "liveness-port": "70000"}, "liveness-port", "between 1 and 65535"),
        ({"liveness-way": "command"}, "liveness-command", "Write the command"),
        ({"liveness-way": "command", "liveness-command": "a 'b"}, "liveness-command", "quotation"),
        ({"startup-way": "tcp", "startup-port": "1", "startup-success": "2"}, "startup-success", "must be 1"),
        ({"liveness-way": "tcp", "liveness-port": "1", "liveness-period": "soon"}, "liveness-period", "whole number"),
        ({"readiness-way": "tcp", "readiness-port": "1", "readiness-delay": "-1"}, "readiness-delay", "equal to 0"),
        ({"readiness-way": "http", "readiness-port": "1", "readiness-scheme": "x"}, "readiness-scheme", "HTTPS"),
        ({"pre-stop-way": "sleep", "pre-stop-seconds": "31"}, "pre-stop-seconds", "terminationGracePeriodSeconds"),
        ({"post-start-way": "http", "post-start-port": "x"}, "post-start-port", "number of the port"),
        ({"mount-0-path": "data"}, "mount-0-path", "absolute path"),
        ({"mount-0-what": "secret/db"}, "mount-0-path", "Say where"),
        ({"mount-0-path": "/a", "mount-0-limit": "-1Gi"}, "mount-0-limit", "valid resource quantity"),
        ({"mount-0-path": "/a", "mount-0-name": "My_Dir"}, "mount-0-name", "lower case"),
        ({"mount-0-path": "/a", "mount-0-sub_path": "../x"}, "mount-0-sub_path", "'..'"),
        ({"mount-2-path": "/a", "mount-4-path": "/a/"}, "mount-1-path", "unique"),
        ({"role": "init"}, "role", "goes on"),
    ],
)
def test_a_refusal_stands_at_its_field(fields: dict[str, str], field: str, sentence: str) -> None:
    found = said({f"containers-0-{name}": value for name, value in fields.items()})

    at_field = [error.message for error in found if error.field == f"containers-0-{field}"]
    assert any(sentence.lower() in message.lower() for message in at_field), found


def test_what_init_containers_may_not_have_is_said_at_their_own_card() -> None:
    first = {"containers-0-role": "init", "containers-0-pre-stop-way": "sleep", "containers-1-image": "b"}
    probe = {"containers-0-liveness-way": "tcp", "containers-0-liveness-port": "1"}
    found = {error.field for error in said(first | probe)}
    assert {"containers-0-liveness-way"} <= found
    assert not [field for field in found if field.startswith("containers-1")]


def test_two_limits_for_one_shared_directory_are_refused_at_the_second() -> None:
    mounts = {
        "mount-0-path": "/a",
        "mount-0-name": "c",
        "mount-1-path": "/b",
        "mount-1-name": "c",
        "mount-1-limit": "1",
    }
    found = said({f"containers-0-{name}": value for name, value in mounts.items()})
    assert [error.field for error in found] == ["containers-0-mount-1-limit"]


@pytest.mark.parametrize("word", ["env", "from", "mount"])
def test_rows_are_added_and_removed(word: str) -> None:
    first = {"env": "env-0-name", "from": "from-0-source", "mount": "mount-0-path"}[word]
    pod, focus = pressed(pod_of(**{first: "x"}), f"add-{word}-0")
    assert focus.startswith(f"containers-0-{word}-1-")

    pod, focus = pressed(pod, f"remove-{word}-0-0")
    (container,) = pod.containers
    (row,) = {"env": container.env, "from": container.env_from, "mount": container.mounts}[word]
    assert row.blank
    assert focus == f"add-{word}-0"
