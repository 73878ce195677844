"""What is told of pods that are gone: to their own account alone, page by page, each life of a namespace apart."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from iam.identities import Identity
from workloads.client import Client, Ended, Kept, LogOptions
from workloads.meta import times
from workloads.meta.errors import BadRequest, Forbidden, NotFound
from workloads.meta.keys import Uid
from workloads.store import endedpods, keptlogs
from workloads.verbs import podlogs

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def ended(name: str = "web-1", *, created: datetime | None = None, **changes: Any) -> Ended:
    """A pod of `shop` that is gone, created after the namespace was unless it is said when."""
    at = created or datetime.now(UTC) + timedelta(seconds=1)
    pod = Ended(
        uid=Uid(str(uuid.uuid4())),
        account="acme",
        namespace="shop",
        name=name,
        workload_kind="",
        workload="",
        owner_uid="",
        outcome="Deleted",
        reason="",
        message="",
        created=at,
        ended=at,
        gone=at,
    )
    pod = replace(pod, **changes)
    endedpods.put(pod)
    return pod


def kept(pod: Ended, **changes: Any) -> Kept:
    log = Kept(pod.account, "shop", pod.name, pod.uid, "app", 0, NOON, NOON, 1, False, 3, 20, 4096, NOON)
    log = replace(log, **changes)
    keptlogs.put(log)
    return log


def names(client: Client, *arguments: Any, **options: Any) -> list[str]:
    return [pod.name for pod in client.ended_pods(*arguments, **options).items]


def test_pages_come_one_after_the_other_the_last_gone_first(client: Client, shop: dict[str, Any]) -> None:
    for number in range(5):
        ended(f"web-{number}", gone=NOON + timedelta(minutes=number // 2))
    first = client.ended_pods("shop", limit=2)
    second = client.ended_pods("shop", limit=2, continue_token=first.continue_token)
    third = client.ended_pods("shop", limit=2, continue_token=second.continue_token)
    assert [pod.name for page in (first, second, third) for pod in page.items] == [
        "web-4",
        "web-3",
        "web-2",
        "web-1",
        "web-0",
    ]
    assert (first.total, third.continue_token) == (5, "")


def test_a_list_is_narrowed_by_workload_and_name(client: Client, shop: dict[str, Any]) -> None:
    ended("web-1", workload_kind="Deployment", workload="web")
    ended("api-1", workload_kind="Deployment", workload="api")
    ended("web-job", workload_kind="Job", workload="web")
    assert names(client, "shop", workload_kind="Deployment", workload="web") == ["web-1"]
    assert sorted(names(client, "shop", name_part="web")) == ["web-1", "web-job"]


def test_a_namespace_made_again_shows_its_own_life_and_the_account_all(client: Client, shop: dict[str, Any]) -> None:
    born = times.parse(shop["metadata"]["creationTimestamp"])
    before = ended("before", created=born - timedelta(days=1))
    after = ended("after", created=born)
    assert names(client, "shop") == ["after"]
    assert sorted(names(client)) == ["after", "before"]
    assert client.ended_pod(before.uid).name == "before"
    assert client.ended_pod(after.uid).name == "after"


def test_charlie_sees_nothing_of_it(client: Client, stranger: Client, shop: dict[str, Any]) -> None:
    pod = ended()
    kept(pod)
    assert names(stranger) == []
    assert stranger.kept_logs(pod.uid) == []
    with pytest.raises(NotFound):
        stranger.ended_pods("shop")
    with pytest.raises(NotFound):
        stranger.ended_pod(pod.uid)
    with pytest.raises(NotFound):
        stranger.ended_log_target(pod.uid, LogOptions(container="app"))


def test_bob_reads_what_was_alices(client: Client, bob: Identity, shop: dict[str, Any]) -> None:
    pod = ended()
    assert Client(bob).ended_pod(pod.uid) == client.ended_pod(pod.uid)


def test_the_logs_of_a_pod_are_listed_the_newest_attempt_first(client: Client, shop: dict[str, Any]) -> None:
    pod = ended()
    for container, attempt in (("app", 0), ("app", 2), ("side", 0), ("app", 10)):
        kept(pod, container=container, attempt=attempt)
    found = [(log.container, log.attempt) for log in client.kept_logs(pod.uid)]
    assert found == [("app", 10), ("app", 2), ("app", 0), ("side", 0)]


def test_a_log_is_asked_of_the_agent_by_pod_container_and_attempt(client: Client, shop: dict[str, Any]) -> None:
    pod = ended()
    kept(pod, attempt=3)
    target = client.ended_log_target(pod.uid, LogOptions(container="app", attempt=3))
    assert target.path == f"/v1/pods/{pod.uid}/containers/app/log"
    assert target.params == {"account": "acme", "attempt": "3"}


def test_one_container_need_not_be_named_two_must_be(client: Client, shop: dict[str, Any]) -> None:
    pod = ended()
    kept(pod)
    assert client.ended_log_target(pod.uid, LogOptions()).path == f"/v1/pods/{pod.uid}/containers/app/log"

    kept(pod, container="side")
    with pytest.raises(NotFound, match=r'no log of a container "" .* is kept: choose one that is listed'):
        client.ended_log_target(pod.uid, LogOptions())


@pytest.mark.parametrize("container", ["nope", "..", "app?", "app#", "x/../../../../../v1/usage?"])
def test_only_a_container_whose_log_is_kept_is_asked_for(client: Client, shop: dict[str, Any], container: str) -> None:
    pod = ended()
    kept(pod)
    with pytest.raises(NotFound, match=r"no log of a container .* is kept"):
        client.ended_log_target(pod.uid, LogOptions(container=container))


def test_no_name_leads_to_another_path_of_the_agent() -> None:
    target = podlogs.at_agent("acme", "u/1", "x/../../../../../v1/usage?", LogOptions())
    path = httpx.Request("GET", f"http://agent{target.path}").url.raw_path
    assert path == b"/v1/pods/u%2F1/containers/x%2F..%2F..%2F..%2F..%2F..%2Fv1%2Fusage%3F/log"


def test_a_pod_that_is_still_there_is_not_gone(client: Client, one: dict[str, Any]) -> None:
    ended("one", uid=Uid(one["metadata"]["uid"]))
    assert names(client, "shop") == []
    with pytest.raises(NotFound):
        client.ended_pod(one["metadata"]["uid"])


def test_a_token_that_is_none_is_a_bad_request(client: Client, shop: dict[str, Any]) -> None:
    for token in ("x", "bm9wZQ==", "WzEsMl0="):
        with pytest.raises(BadRequest, match="continue token"):
            client.ended_pods("shop", continue_token=token)


def test_lists_and_logs_are_rights_of_their_own(shop: dict[str, Any]) -> None:
    pod = ended()
    lister = Client(Identity("acme", "eve", actions=("cci:pod:list", "cci:pod:get")))
    assert lister.ended_pods().items[0].uid == pod.uid
    with pytest.raises(Forbidden, match="cci:podlog:get"):
        lister.kept_logs(pod.uid)
    with pytest.raises(Forbidden, match="cci:podlog:get"):
        lister.ended_log_target(pod.uid, LogOptions(container="app"))


def test_an_old_pod_of_a_namespace_that_is_gone_is_still_the_accounts(client: Client, shop: dict[str, Any]) -> None:
    pod = ended()
    client.delete("Namespace", "shop")
    assert client.ended_pod(pod.uid) == pod


def test_a_named_attempt_is_asked_for_without_a_restart(
    client: Client, controller: Client, one: dict[str, Any]
) -> None:
    target = client.log_target("shop", "one", LogOptions(attempt=0))
    assert target.params == {"account": "acme", "attempt": "0"}
    with pytest.raises(BadRequest, match="container nope is not valid"):
        client.log_target("shop", "one", LogOptions(container="nope", attempt=0))
