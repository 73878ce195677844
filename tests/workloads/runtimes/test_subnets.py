"""A network keeps the subnet it asks for, or gets the next free one of the same size."""

from __future__ import annotations

import pytest

from workloads.runtimes.subnets import NoRoom, free_subnet, routed


def test_a_free_subnet_is_given_as_asked() -> None:
    assert free_subnet("192.168.4.0/24", ["172.17.0.0/16"]) == "192.168.4.0/24"


def test_a_taken_subnet_gives_the_next_free_one_of_its_size() -> None:
    assert free_subnet("192.168.4.0/24", ["192.168.4.0/23"]) == "192.168.6.0/24"


def test_the_service_range_is_never_given() -> None:
    assert free_subnet("10.247.8.0/24", []) == "10.248.0.0/24"


def test_at_the_end_of_its_range_the_search_goes_on_in_the_pool() -> None:
    assert free_subnet("192.168.255.0/24", ["192.168.255.0/24"]) == "10.248.0.0/24"


def test_ipv6_subnets_are_no_neighbours() -> None:
    assert free_subnet("10.0.0.0/24", ["fd00::/64"]) == "10.0.0.0/24"


def test_a_full_host_says_so() -> None:
    with pytest.raises(NoRoom, match="no free subnet of the size"):
        free_subnet("10.0.0.0/9", ["10.0.0.0/8"])


def test_the_hosts_routes_are_read_without_the_default_one() -> None:
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\n"
        "eth0 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
    )
    assert routed(table) == ["192.168.1.0/24"]
