"""securityContext: what takes rights away is served, what gives more is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import registry

KIND = registry.kind("Pod")
JSON = dict[str, Any]


def causes(container: JSON | None = None, pod: JSON | None = None) -> list[tuple[str, str]]:
    one = {"name": "app", "image": "nginx:1.27", "securityContext": container or {}}
    obj: JSON = {"metadata": {"name": "web"}, "spec": {"containers": [one], "securityContext": pod or {}}}
    KIND.default(obj)
    return [(cause.field, cause.message) for cause in KIND.validate(obj, None)]


def test_what_the_restricted_profile_asks_for_is_served() -> None:
    container = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    pod = {"fsGroup": 2000, "supplementalGroups": [3000], "runAsNonRoot": True, "fsGroupChangePolicy": "Always"}
    assert causes(container, {**pod, "seccompProfile": {"type": "RuntimeDefault"}}) == []


@pytest.mark.parametrize(
    ("context", "field", "message"),
    [
        ({"privileged": True}, "privileged", "privileged containers are not offered"),
        ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation", "it is always false"),
        ({"capabilities": {"add": ["CHOWN", "NET_RAW"]}}, "capabilities.add[1]", "Forbidden: NET_RAW is not offered"),
        ({"capabilities": {"add": ["CAP_SYS_ADMIN"]}}, "capabilities.add[0]", "CAP_SYS_ADMIN is not offered"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile", "the runtime's default profile applies"),
        ({"runAsUser": -1}, "runAsUser", "must be between 0 and 2147483647, inclusive"),
        ({"procMount": "Unmasked"}, "procMount", "is not supported yet"),
    ],
)
def test_what_gives_more_is_refused_by_name(context: JSON, field: str, message: str) -> None:
    ((where, said),) = causes(context)
    assert where == f"spec.containers[0].securityContext.{field}"
    assert message in said


@pytest.mark.parametrize(
    ("context", "field", "message"),
    [
        ({"fsGroup": 2**31}, "fsGroup", "must be between 0 and 2147483647, inclusive"),
        ({"supplementalGroups": [1, -1]}, "supplementalGroups[1]", "must be between 0"),
        ({"fsGroupChangePolicy": "Never"}, "fsGroupChangePolicy", "Unsupported value"),
        ({"sysctls": [{"name": "a", "value": "1"}]}, "sysctls", "is not supported yet"),
    ],
)
def test_a_pods_own_context_is_checked_too(context: JSON, field: str, message: str) -> None:
    ((where, said),) = causes(None, context)
    assert where == f"spec.securityContext.{field}"
    assert message in said
