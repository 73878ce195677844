"""Health is told part by part, as kube-apiserver tells it, and nobody needs a token to ask."""

from __future__ import annotations

import pytest

from tests.workloads.kubeapi.callers import is_status
from workloads.kubeapi import health
from workloads.meta.errors import Unavailable


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setitem(health._ASKED, "database", ask)


def test_each_part_is_told_when_asked_for(api):
    answer = api.get("/readyz?verbose")
    assert answer.text == "[+]ping ok\n[+]database ok\nreadyz check passed\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_part_has_an_address_of_its_own(api):
    assert api.get("/readyz/database").text == "ok"
    is_status(api.get("/livez/database"), 404)


def test_a_part_that_fails_is_named_and_the_whole_fails(api, away):
    answer = api.get("/readyz")
    assert answer.status_code == 500
    assert answer.text == "[+]ping ok\n[-]database failed: the database does not answer\nreadyz check failed\n"
    assert api.get("/readyz/database").status_code == 500


def test_a_process_without_a_database_is_alive(api, away):
    assert api.get("/livez").text == "ok"


def test_a_part_can_be_left_out(api, away):
    assert api.get("/readyz?exclude=database").text == "ok"
    told = api.get("/readyz?verbose&exclude=database&exclude=etcd").text
    assert "[+]database excluded: ok\n" in told
    assert 'warn: some health checks cannot be excluded: no matches for "etcd"\n' in told
