"""The forms say whether pods of the chosen size fit on the host, by what its agent says it gives to pods."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from workloads.meta import quantity
from workloads.store import hosts

PAGE = "/create/deployment/"
WEB = {"step": "basic", "name": "api", "namespace": "shop", "replicas": "2", "go": "look"}
HOST: dict[str, Any] = {
    "name": "node-1",
    "at": "2026-11-27T10:00:00Z",
    "born": "2026-11-27T10:00:00Z",
    "address": "",
    "cpu_millis": 4000,
    "memory_bytes": 9 * quantity.GIB,
    "allocatable_bytes": 8 * quantity.GIB,
    "cards": {},
    **dict.fromkeys(("id", "architecture", "kernel", "system", "runtime"), "x"),
}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"size": "2.00_4.0"}, "Fits on this host: it gives pods 4 cores · 8 GiB together, room for 2 of this size"),
        ({"size": "2.00_4.0", "replicas": "3"}, "2 of this size fit, the others would wait."),
        ({"size": "free", "size_cores": "8", "size_gib": "16"}, "No pod of 8 cores · 16 GiB fits on this host"),
    ],
)
def test_whether_a_size_fits_is_said_at_the_size(
    shop: None, browser: Browser, fields: dict[str, str], said: str
) -> None:
    hosts.put("node-1", hosts.NODE, HOST)

    assert said in browser.post(PAGE, WEB | fields).content.decode()


def test_of_a_host_that_was_never_heard_of_nothing_is_said(shop: None, browser: Browser) -> None:
    assert (
        "on this host"
        not in browser.post(PAGE, WEB | {"size": "2.00_4.0"}).content.decode().split("size-advice")[1][:900]
    )
