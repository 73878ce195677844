"""/metrics counts what was answered, for whoever runs the service and for nobody else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from pytest_django import Settings

from tests import manifests
from tests.workloads.kubeapi.callers import Api, is_status
from workloads.kubeapi import telemetry

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def told(api: Api, settings: Settings) -> Api:
    """Alice's client, that can tell the metrics as well."""
    settings.METRICS_TOKEN = "of-the-operator"
    return api


def samples(api: Api) -> dict[str, float]:
    answer = api.get("/metrics", headers={"Authorization": "Bearer of-the-operator"})
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_verb_kind_and_code(told, shop):
    before = samples(told)
    told.make(PODS, manifests.pod("one"))
    told.get(f"{PODS}/two")
    after = samples(told)

    for verb, code in (("CREATE", 201), ("GET", 404)):
        name = f'apiserver_request_total{{verb="{verb}",group="",resource="pods",subresource="",code="{code}"}}'
        assert after[name] - before.get(name, 0) == 1
    labels = 'verb="CREATE",group="",resource="pods",subresource=""'
    assert (
        after[f'apiserver_request_duration_seconds_bucket{{{labels},le="+Inf"}}']
        == after[f"apiserver_request_duration_seconds_count{{{labels}}}"]
    )


def test_watches_that_go_on_are_told(told, shop):
    name = 'apiserver_longrunning_requests{verb="WATCH",group="",resource="pods",subresource=""}'
    told.make(PODS, manifests.pod("one"))
    with told.watch(PODS, timeoutSeconds="20") as events:
        next(events)
        assert samples(told)[name] == 1


def test_the_state_of_the_process_is_told(told, shop):
    told.read(PODS)
    found = samples(told)
    assert found["cci_log_revision"] > 0
    assert found["cci_read_cache_limit_bytes"] == 256 * 2**20
    assert found["process_resident_memory_bytes"] > 10**7


def test_paths_that_lead_nowhere_make_no_new_names(told):
    for number in range(5):
        told.get(f"/apis/made-up-{number}/v1/things")
    assert not [name for name in samples(told) if "made-up" in name]


def test_nobody_else_may_read_it(told):
    is_status(told.get("/metrics"), 403)
    is_status(httpx.get(f"{told.base_url}/metrics", verify=False), 401)  # noqa: S501


def test_what_is_told_can_be_read_by_prometheus(told, shop):
    told.read(PODS)
    text = told.get("/metrics", headers={"Authorization": "Bearer of-the-operator"}).text
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    for line in text.splitlines():
        name = line.partition(" ")[0].partition("{")[0]
        assert line.startswith("#") or any(name.startswith(one) for one in named)


def test_text_is_escaped():
    assert telemetry._sample("a", 1, b='say "no"\n') == 'a{b="say \\"no\\"\\n"} 1'


def test_counts_of_processes_that_answer_beside_it_are_added(told, shop, settings, tmp_path):
    settings.RUN_DIR = tmp_path
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "api-dead.sock"))
    dead.close()
    other = {"requests": [["GET", "", "pods", "", 200, 41]], "served": [], "open": [], "cache": 7}
    other |= {"processor": 1.5, "resident": 1, "begun": 0}
    with speaking(tmp_path / "api-other.sock", orjson.dumps(other)):
        found = samples(told)

    name = 'apiserver_request_total{verb="GET",group="",resource="pods",subresource="",code="200"}'
    assert found[name] >= 41 and found["cci_api_processes"] == 2
    assert not (tmp_path / "api-dead.sock").exists()


@contextlib.contextmanager
def speaking(place: Path, words: bytes) -> Iterator[None]:
    """Another process, that says `words` to the first who connects."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def say() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(words)

        speaker = threading.Thread(target=say)
        speaker.start()
        yield
        speaker.join(10)
