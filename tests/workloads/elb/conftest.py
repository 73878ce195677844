"""One Envoy for each file of tests, and what most of them lead to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workloads.elb.asking import eventually, service
from tests.workloads.elb.proxies import Proxy, pod, running


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Envoy rejects nothing of what the tests of a file put, and takes every listener."""
    with running() as proxy:
        yield proxy
        assert proxy.rejected == {}
        for listeners in proxy.world.elb_listeners().values():
            assert eventually(lambda of=listeners: all(map(proxy.table.taken, of.values())), True)


@pytest.fixture(scope="module")
def elb(proxy: Proxy) -> str:
    """The address of the account's default ELB, on which `rules` are served."""
    address = proxy.address(1)
    proxy.put("ELB", "default", metadata={"namespace": ""}, spec={"address": address}, status={})
    return address


@pytest.fixture(scope="module")
def backends(proxy: Proxy) -> Iterator[None]:
    """Services `a` and `b`, each with a pod that says its name."""
    with pod("a", proxy.address(150)), pod("b", proxy.address(151)):
        service(proxy, "a", 20, proxy.address(150))
        service(proxy, "b", 21, proxy.address(151))
        yield
