"""Probes and hooks are refused in Kubernetes' words, and filled in with its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import handlers

JSON = dict[str, Any]
HTTP: JSON = {"httpGet": {"port": 80}}


def causes_of(container: JSON, *, grace: int = 30) -> list[tuple[str, str]]:
    handlers.default(container)
    return [(cause.field, cause.message) for cause in handlers.validate(container, "c", grace_seconds=grace)]


def probe(which: str = "livenessProbe", **fields: Any) -> list[tuple[str, str]]:
    return causes_of({which: fields})


def test_a_probe_gets_kubernetes_numbers() -> None:
    container: JSON = {"readinessProbe": {"httpGet": {"port": "web"}, "periodSeconds": 0}}
    handlers.default(container)
    assert container["readinessProbe"] == {
        "httpGet": {"port": "web", "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


@pytest.mark.parametrize(
    "way",
    [
        HTTP,
        {"httpGet": {"port": "web", "scheme": "HTTPS", "httpHeaders": [{"name": "X-Who", "value": "me"}]}},
        {"tcpSocket": {"port": 6379}},
        {"exec": {"command": ["true"]}},
        {"grpc": {"port": 9000, "service": "live"}},
    ],
)
@pytest.mark.parametrize("which", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_each_way_of_probing_is_good_for_each_probe(which: str, way: JSON) -> None:
    assert probe(which, **way) == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "c.livenessProbe", "Required value: must specify a handler type"),
        (
            {**HTTP, "tcpSocket": {"port": 1}},
            "c.livenessProbe.tcpSocket",
            "Forbidden: may not specify more than 1 handler type",
        ),
        ({"exec": {}}, "c.livenessProbe.exec.command", "Required value"),
        (
            {"httpGet": {"port": 0}},
            "c.livenessProbe.httpGet.port",
            "Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            {"httpGet": {"port": 80, "scheme": "FTP"}},
            "c.livenessProbe.httpGet.scheme",
            'Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
        ),
        (
            {"httpGet": {"port": 80, "host": "1.2.3.4"}},
            "c.livenessProbe.httpGet.host",
            "Forbidden: no other host is asked from here, the pod's own address is; remove it",
        ),
        (
            {**HTTP, "periodSeconds": -1},
            "c.livenessProbe.periodSeconds",
            "Invalid value: -1: must be greater than or equal to 0",
        ),
        ({**HTTP, "successThreshold": 2}, "c.livenessProbe.successThreshold", "Invalid value: 2: must be 1"),
        (
            {**HTTP, "terminationGracePeriodSeconds": 0},
            "c.livenessProbe.terminationGracePeriodSeconds",
            "Invalid value: 0: must be greater than 0",
        ),
    ],
)
def test_a_probe_out_of_rule_is_refused(fields: JSON, field: str, words: str) -> None:
    assert probe(**fields) == [(field, words)]


def test_a_readiness_probe_has_no_grace_period_but_may_want_more_than_one_success() -> None:
    assert probe("readinessProbe", **HTTP, successThreshold=3) == []
    ((_, words),) = probe("readinessProbe", **HTTP, terminationGracePeriodSeconds=5)
    assert words == "Invalid value: 5: must not be set for readinessProbes"


def test_a_grpc_probe_asks_the_whole_server_unless_told() -> None:
    container: JSON = {"livenessProbe": {"grpc": {"port": 9000}}}
    handlers.default(container)
    assert container["livenessProbe"]["grpc"] == {"port": 9000, "service": ""}


def test_a_grpc_probe_has_a_port_by_number() -> None:
    ((field, words),) = probe(grpc={"port": 0})
    assert field == "c.livenessProbe.grpc.port"
    assert "must be between 1 and 65535, inclusive" in words


def test_hooks_are_commands_requests_and_sleeps() -> None:
    hooks = [{"exec": {"command": ["true"]}}, {"httpGet": {"port": 80}}, {"sleep": {"seconds": 5}}]
    assert [causes_of({"lifecycle": {"preStop": hook, "postStart": hook}}) for hook in hooks] == [[], [], []]


@pytest.mark.parametrize(
    ("hook", "field", "words"),
    [
        ({}, "c.lifecycle.preStop", "Required value: must specify a handler type"),
        (
            {"tcpSocket": {"port": 80}},
            "c.lifecycle.preStop.tcpSocket",
            "Forbidden: a hook cannot only connect; give exec, httpGet or sleep",
        ),
        (
            {"sleep": {"seconds": 31}},
            "c.lifecycle.preStop.sleep",
            "Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
        ),
    ],
)
def test_a_hook_out_of_rule_is_refused(hook: JSON, field: str, words: str) -> None:
    assert causes_of({"lifecycle": {"preStop": hook}}) == [(field, words)]
