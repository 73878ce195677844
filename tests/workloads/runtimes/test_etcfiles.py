"""What containers read of names: computed as the kubelet does, and seen by every container and attempt on Docker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests import manifests
from tests.workloads.runtimes.worlds import DockerWorld, container, docker, spec
from workloads.runtimes import etcfiles, translate
from workloads.runtimes.base import AliasSpec, DnsSpec, NetworkSpec, SandboxSpec

NETWORKS = "# made by Docker\nsearch example.com\nnameserver 127.0.0.11\noptions ndots:0 edns0\n"


def translated(name: str = "web-1", installation: str = "", **fields: Any) -> SandboxSpec:
    pod = manifests.pod(name, **fields)
    pod["metadata"] |= {"uid": "u-1", "namespace": "shop"}
    return translate.sandbox(pod, account="acme", network=NetworkSpec("n", "10.0.0.0/24"), names=installation)


def test_hosts_are_the_kubelets() -> None:
    text = etcfiles.hosts(
        "10.0.0.2", ("web-1.sub.shop.svc.cluster.local", "web-1"), (AliasSpec("1.2.3.4", ("db", "d")),)
    )
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert text.endswith(
        "10.0.0.2\tweb-1.sub.shop.svc.cluster.local\tweb-1\n\n# Entries added by HostAliases.\n1.2.3.4\tdb\td\n"
    )


def test_a_pod_has_a_full_name_only_with_a_subdomain() -> None:
    assert (translated().names, translated().hostname) == (("web-1",), "web-1")
    named = translated(hostname="db", subdomain="sub")
    assert (named.names, named.hostname) == (("db.sub.shop.svc.cluster.local", "db"), "db")
    full = translated(hostname="db", subdomain="sub", setHostnameAsFQDN=True)
    assert (full.names, full.hostname) == (named.names, "db.sub.shop.svc.cluster.local")


def test_a_full_name_that_the_kernel_cannot_hold_is_told() -> None:
    with pytest.raises(translate.Untranslatable, match=r"is too long \(64 characters is the max, 9\d characters"):
        translated("a" * 63, subdomain="sub", setHostnameAsFQDN=True)


def test_a_pods_dns_comes_after_its_networks() -> None:
    dns = DnsSpec(nameservers=("1.1.1.1", "127.0.0.11"), searches=("a.b",), options=(("ndots", "5"), ("debug", "")))
    assert etcfiles.resolv(dns, NETWORKS) == (
        "search example.com a.b\nnameserver 127.0.0.11\nnameserver 1.1.1.1\noptions ndots:5 edns0 debug\n"
    )


def test_a_pod_that_wants_none_asks_nobody_else() -> None:
    dns = DnsSpec(alone=True, nameservers=("1.1.1.1",))
    assert etcfiles.resolv(dns, NETWORKS) == "nameserver 1.1.1.1\n"


def test_more_servers_than_are_asked_are_told() -> None:
    three = ("1.1.1.1", "1.1.1.2", "1.1.1.3")
    (said,) = etcfiles.omitted(DnsSpec(nameservers=three))
    assert said.endswith(": 127.0.0.11 1.1.1.1 1.1.1.2")
    assert etcfiles.omitted(DnsSpec(alone=True, nameservers=three)) == []


CLUSTER = DnsSpec(cluster="10.247.0.10", domains=("shop.svc.cluster.local", "svc.cluster.local", "cluster.local"))


@pytest.mark.parametrize(
    ("policy", "names", "wanted"),
    [
        ("ClusterFirst", "10.247.0.10", CLUSTER),
        ("ClusterFirstWithHostNet", "10.247.0.10", CLUSTER),
        ("ClusterFirst", "", DnsSpec()),
        ("Default", "10.247.0.10", DnsSpec()),
        ("None", "10.247.0.10", DnsSpec(alone=True)),
    ],
)
def test_whom_a_pod_asks_is_its_policys_choice(policy: str, names: str, wanted: DnsSpec) -> None:
    assert translated(dnsPolicy=policy, installation=names).dns == wanted


def test_a_pod_of_the_cluster_asks_its_server_and_looks_in_its_own_namespace_first() -> None:
    assert etcfiles.resolv(CLUSTER, NETWORKS) == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local example.com\n"
        "nameserver 10.247.0.10\noptions ndots:5\n"
    )
    more = replace(CLUSTER, nameservers=("1.1.1.1",), searches=("a.b", "example.com"), options=(("ndots", "2"),))
    assert etcfiles.resolv(more, NETWORKS) == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local example.com a.b\n"
        "nameserver 10.247.0.10\nnameserver 1.1.1.1\noptions ndots:2\n"
    )


def test_more_domains_than_are_looked_in_are_told() -> None:
    many = replace(CLUSTER, searches=tuple(f"a{number}.b" for number in range(32)))
    (said,) = etcfiles.omitted(many)
    assert said.startswith("Search Line limits were exceeded") and said.endswith(" a28.b")
    assert len(etcfiles.resolv(many, "").splitlines()[0].split()) == 33
    long = replace(CLUSTER, searches=tuple(f"{'a' * 60}.{'b' * 60}.{number}" for number in range(20)))
    assert len(etcfiles.resolv(long, "").splitlines()[0]) <= 2048 + len("search ")


READ = "cat /etc/hosts; echo --; cat /etc/resolv.conf; echo --; hostname; cat /etc/hostname"


@pytest.mark.docker
@pytest.mark.parametrize("pool", [0, 1])
def test_every_container_and_attempt_reads_the_pods_names(dockers: DockerWorld, pool: int) -> None:
    dockers.runtime.warm(dockers.network, size=pool)
    full = "web-1.sub.shop.svc.cluster.local"
    dns = DnsSpec(alone=True, nameservers=("192.0.2.53",), searches=("example.com",), options=(("ndots", "2"),))
    aliases = (AliasSpec("192.0.2.1", ("db", "db.example.com")),)
    pod = spec(dockers, "app", "side", hostname=full, names=(full, "web-1"), aliases=aliases, dns=dns)
    for first in (("app", 0), ("app", 1)):
        dockers.runtime.ensure_sandbox(pod, first=first)
        for one in pod.containers:
            dockers.runtime.start_container(pod, one.name, attempt=first[1])
        ip = dockers.runtime.ensure_sandbox(pod).ip
        wanted = etcfiles.hosts(ip, pod.names, aliases) + "--\n" + etcfiles.resolv(dns, "") + f"--\n{full}\n{full}"
        assert [dockers.run(pod.uid, READ, name) for name in ("app", "side")] == [wanted, wanted]
        dockers.lose_sandbox(pod.uid)  # as when the daemon is restarted


@pytest.mark.docker
def test_without_wishes_a_pod_asks_whom_its_network_asks_and_finds_itself(dockers: DockerWorld) -> None:
    pod = spec(dockers, names=("web-1",))
    ip = dockers.runtime.ensure_sandbox(pod).ip
    dockers.runtime.start_container(pod, "app", attempt=0)
    assert "nameserver 127.0.0.11" in dockers.run(pod.uid, "cat /etc/resolv.conf")
    assert f"{ip}\tweb-1" in dockers.run(pod.uid, "cat /etc/hosts")
    assert docker("inspect", "-f", "{{.State.Running}}", dockers.id(pod.uid, "app")) == "true"


@pytest.mark.docker
def test_a_pods_own_servers_come_after_the_networks(dockers: DockerWorld) -> None:
    pod = spec(dockers, containers=(container(dockers.image),), dns=DnsSpec(nameservers=("192.0.2.53",)))
    dockers.runtime.ensure_sandbox(pod)
    dockers.runtime.start_container(pod, "app", attempt=0)
    lines = dockers.run(pod.uid, "cat /etc/resolv.conf").splitlines()
    assert [line for line in lines if line.startswith("nameserver")] == [
        "nameserver 127.0.0.11",
        "nameserver 192.0.2.53",
    ]
