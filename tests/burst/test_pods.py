"""Pods of the cluster and their pods in CCI, from the first to the last, both ways."""

from __future__ import annotations

import asyncio

import pytest

from burst import names, pods, statuses
from burst.translate import Source
from tests.burst.pods import CLUSTER_ID, container, pod
from tests.burst.worlds import CCI_NAMESPACE, World


async def test_a_pod_of_the_virtual_node_is_made_in_cci_and_told_its_size(burst: World) -> None:
    burst.cluster.put("pods", pod())
    there = await burst.until(burst.there)
    assert there["metadata"]["annotations"][names.SIZE_ANNOTATION] == "0.25_1.0"
    annotations = (burst.pod() or {})["metadata"]["annotations"]
    assert (annotations[names.CPU_ANNOTATION], annotations[names.MEMORY_ANNOTATION]) == ("0.25", "1Gi")


async def test_a_pod_of_a_profile_is_told_what_its_deletion_costs_in_cci(burst: World) -> None:
    given = pod()
    given["metadata"]["annotations"] = {names.DELETION_COST: "-2", names.COST_THERE: "-10"}
    burst.cluster.put("pods", given)
    await burst.until(burst.there)
    assert (burst.pod() or {})["metadata"]["annotations"][names.DELETION_COST] == "-10"


async def test_pods_of_other_nodes_are_left_alone(burst: World) -> None:
    burst.cluster.put("pods", pod("local", nodeName="worker-1"))
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    assert list(burst.cci.named("pods")) == ["shop-web"]


async def test_what_cci_sees_comes_back(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running", within=1.0)
    status = burst.status()
    assert (status["podIP"], status["hostIP"]) == ("10.1.0.7", "10.0.0.9")
    assert status["containerStatuses"][0]["ready"]
    assert [one["type"] for one in status["conditions"]] == ["Ready"]


async def test_conditions_of_others_stay_and_shut_gates_keep_a_pod_from_being_ready(burst: World) -> None:
    given = pod(readinessGates=[{"conditionType": "lb"}])
    given["status"] = {"conditions": [{"type": "PodScheduled", "status": "True"}]}
    burst.cluster.put("pods", given)
    await burst.until(burst.there)
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running")
    conditions = {one["type"]: one for one in burst.status()["conditions"]}
    assert conditions["PodScheduled"]["status"] == "True"
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", "ReadinessGatesNotReady")


async def test_the_grace_of_a_deletion_is_that_of_the_cluster_and_then_the_pod_goes(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running")
    await burst.cluster_api.delete("pods", namespace="shop", name="web", grace=7)
    there = await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionTimestamp") and burst.there())
    assert there["metadata"]["deletionGracePeriodSeconds"] == 7
    assert burst.pod() is not None
    burst.cci.drop("pods", CCI_NAMESPACE, "shop-web")
    await burst.until(lambda: burst.pod() is None)


async def test_a_shorter_grace_is_passed_on(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    await burst.cluster_api.delete("pods", namespace="shop", name="web", grace=30)
    await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionGracePeriodSeconds") == 30)
    burst.cluster.change("pods", "shop", "web", metadata={"deletionGracePeriodSeconds": 1})
    await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionGracePeriodSeconds") == 1)


async def test_a_pod_that_was_forced_out_of_the_cluster_goes_from_cci(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.cluster.drop("pods", "shop", "web")
    await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionTimestamp"))


async def test_nothing_goes_because_a_list_is_empty(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    await burst.kill()
    burst.cluster.empty = True
    burst.start()
    await burst.pods.wanted.listed.wait()
    asked = len(burst.cluster.requests)
    await burst.until(lambda: ("GET", "api/v1/namespaces/shop/pods/web") in burst.cluster.requests[asked:])
    await asyncio.sleep(0.05)
    assert "deletionTimestamp" not in (burst.there() or {})["metadata"]


async def test_a_pod_of_the_same_name_waits_for_the_earlier_one_to_go(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.cluster.drop("pods", "shop", "web")
    again = pod()
    again["metadata"]["uid"] = "second"
    burst.cluster.put("pods", again)

    def second() -> bool:
        there = burst.there()
        if there and there["metadata"].get("deletionTimestamp"):
            burst.cci.drop("pods", CCI_NAMESPACE, "shop-web")
            return False
        return bool(there) and there["metadata"]["labels"][names.UID_LABEL] == "second"

    await burst.until(second)


async def test_a_pod_that_was_lost_in_cci_has_failed(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running")
    burst.cci.drop("pods", CCI_NAMESPACE, "shop-web")
    await burst.until(lambda: burst.status().get("phase") == "Failed")
    assert burst.status()["reason"] == statuses.LOST
    assert burst.status()["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert burst.there() is None


async def test_a_refused_pod_says_why_and_waits(burst: World) -> None:
    burst.cluster.put("pods", pod(hostNetwork=True))
    await burst.until(lambda: burst.status().get("reason"))
    assert burst.status()["reason"] == "BurstFieldRefused"
    assert burst.status()["phase"] == "Pending"
    assert burst.events() == [("BurstFieldRefused", burst.status()["message"])]
    assert burst.there() is None


async def test_what_cci_refuses_is_told_in_its_words_and_not_tried_again(burst: World) -> None:
    burst.cci.refuse[("POST", "pods")] = (422, "Invalid", "spec.hostUsers: leave it out")
    burst.cluster.put("pods", pod())
    await burst.until(lambda: burst.status().get("reason") == "BurstRefusedByCCI")
    assert burst.status()["message"] == "spec.hostUsers: leave it out"
    tried = [request for request in burst.cci.requests if request[0] == "POST"]
    burst.cluster.change("pods", "shop", "web", status={"phase": "Pending", "note": "touched"})
    await asyncio.sleep(0.05)
    assert [request for request in burst.cci.requests if request[0] == "POST"] == tried


async def test_a_full_quota_is_told_and_tried_again(burst: World) -> None:
    burst.cci.refuse[("POST", "pods")] = (403, "Forbidden", "exceeded quota")
    burst.cluster.put("pods", pod())
    await burst.until(burst.events)
    assert burst.events()[0] == ("BurstNotCreated", "CCI did not take the pod, which is tried again: exceeded quota")
    burst.cci.refuse.clear()
    await burst.until(burst.there)


async def test_names_that_meet_in_cci_are_told_and_nothing_is_taken_over(burst: World) -> None:
    burst.cluster.put("pods", pod("b-c", namespace="a"))
    await burst.until(lambda: burst.there("a-b-c"))
    burst.cluster.put("pods", pod("c", namespace="a-b"))
    await burst.until(burst.events)
    assert burst.events()[0][0] == "BurstNameTaken"
    assert (burst.there("a-b-c") or {})["metadata"]["labels"][names.NAMESPACE_LABEL] == "a"


async def test_sources_are_copied_before_the_pod_and_follow_their_changes(burst: World) -> None:
    burst.cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "1"}})
    volumes = [{"name": "v", "configMap": {"name": "settings"}}]
    burst.cluster.put("pods", pod(volumes=volumes))
    await burst.until(burst.there)
    copy = Source("ConfigMap", "shop", "settings").copy
    assert burst.cci.named("configmaps")[copy]["data"] == {"a": "1"}
    burst.cluster.change("configmaps", "shop", "settings", data={"a": "2"})
    await burst.until(lambda: burst.cci.named("configmaps")[copy]["data"] == {"a": "2"})


async def test_a_pod_waits_for_what_it_uses_and_says_so(burst: World) -> None:
    burst.cluster.put("pods", pod(volumes=[{"name": "v", "secret": {"secretName": "keys"}}]))
    await burst.until(burst.events)
    assert burst.events()[0][0] == "FailedMount"
    assert "Secret keys" in burst.events()[0][1]
    assert burst.there() is None
    burst.cluster.put("secrets", {"metadata": {"name": "keys", "namespace": "shop"}, "data": {"k": "Yg=="}})
    await burst.until(burst.there)


async def test_an_optional_source_is_not_waited_for(burst: World) -> None:
    burst.cluster.put("pods", pod(volumes=[{"name": "v", "secret": {"secretName": "keys", "optional": True}}]))
    await burst.until(burst.there)


async def test_tokens_are_asked_of_the_cluster_and_renewed_before_they_run_out(burst: World) -> None:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 1}}
    burst.cluster.put("pods", pod(volumes=[{"name": "v", "projected": {"sources": [token]}}]))
    await burst.until(burst.there)
    assert burst.cluster.tokens >= 1
    await burst.until(lambda: burst.cluster.tokens >= 2)
    assert len(burst.cci.named("secrets")) == 1


async def test_images_labels_and_annotations_of_a_running_pod_follow(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.cluster.change("pods", "shop", "web", metadata={"labels": {"app": None, "tier": "front"}})
    await burst.until(lambda: (burst.there() or {})["metadata"]["labels"].get("tier") == "front")
    assert "app" not in (burst.there() or {})["metadata"]["labels"]
    burst.cluster.change("pods", "shop", "web", spec={"containers": [container(image="nginx:1.28")]})
    await burst.until(lambda: (burst.there() or {})["spec"]["containers"][0]["image"] == "nginx:1.28")


async def test_events_of_cci_are_told_in_the_cluster_once_and_counted(burst: World) -> None:
    burst.cluster.put("pods", pod())
    there = await burst.until(burst.there)
    about = {"kind": "Pod", "name": "shop-web", "uid": there["metadata"]["uid"]}
    event = {
        "metadata": {"name": "e", "namespace": CCI_NAMESPACE},
        "involvedObject": about,
        "type": "Warning",
        "reason": "BackOff",
        "message": "back-off restarting",
        "count": 1,
    }
    burst.cci.put("events", event)
    await burst.until(burst.events)
    burst.cci.change("events", CCI_NAMESPACE, "e", count=4)
    await burst.until(lambda: next(iter(burst.cluster.named("events").values()))["count"] == 4)
    assert burst.events() == [("BackOff", "back-off restarting")]


async def test_nothing_is_written_or_asked_while_nothing_changes(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.run_there()
    await burst.until(lambda: burst.status().get("phase") == "Running")
    await burst.until(lambda: not len(burst.pods.queue))
    await asyncio.sleep(0.1)
    asked = len(burst.cluster.requests), len(burst.cci.requests)
    await asyncio.sleep(0.3)
    assert (len(burst.cluster.requests), len(burst.cci.requests)) == asked


async def test_what_happened_while_cci_was_away_is_made_up_for(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    burst.cci.away = True
    burst.cci.wake()
    burst.cluster.put("pods", pod("second"))
    await asyncio.sleep(0.1)
    burst.run_there()
    assert burst.there("shop-second") is None
    burst.cci.away = False
    await burst.until(lambda: burst.there("shop-second"))
    await burst.until(lambda: burst.status().get("phase") == "Running")


async def test_copies_go_when_nobody_uses_them(burst: World) -> None:
    burst.cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "1"}})
    burst.cluster.put("pods", pod(volumes=[{"name": "v", "configMap": {"name": "settings"}}]))
    await burst.until(burst.there)
    await burst.pods.collect()
    assert len(burst.cci.named("configmaps")) == 1
    burst.cluster.drop("pods", "shop", "web")
    await burst.until(lambda: (burst.there() or {})["metadata"].get("deletionTimestamp"))
    burst.cci.drop("pods", CCI_NAMESPACE, "shop-web")
    await burst.until(lambda: not burst.pods.there.objects and not len(burst.pods.queue))
    await burst.pods.collect()
    assert not burst.cci.named("configmaps")


async def test_a_mirror_that_is_behind_ends_no_newer_life_of_a_pod(burst: World) -> None:
    burst.cluster.put("pods", pod())
    await burst.until(burst.there)
    await burst.kill()
    again = pod()
    again["metadata"]["uid"] = "second"
    burst.cluster.put("pods", again)
    burst.cci.change("pods", CCI_NAMESPACE, "shop-web", metadata={"labels": {names.UID_LABEL: "second"}})
    burst.pods.there.objects[(CCI_NAMESPACE, "shop-web")] = burst.there() or {}
    await burst.pods.look(("shop", "web"))
    assert burst.there() is not None


async def test_what_a_killed_add_on_left_goes_at_last(burst: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "COLLECT_SECONDS", 0.02)
    await burst.kill()
    labels = names.owner_labels(CLUSTER_ID, "shop", "gone")
    burst.cci.put("secrets", {"metadata": {"name": "old-tokens", "namespace": CCI_NAMESPACE, "labels": labels}})
    burst.cci.refuse[("DELETE", "secrets")] = (500, "InternalError", "no")
    burst.start()
    await burst.until(lambda: [asked for asked in burst.cci.requests if asked[0] == "DELETE"])
    burst.cci.refuse.clear()
    await burst.until(lambda: not burst.cci.named("secrets"))


async def test_a_new_pod_does_not_start_with_a_secret_that_the_cluster_has_no_more(burst: World) -> None:
    burst.cluster.put("secrets", {"metadata": {"name": "keys", "namespace": "shop"}, "data": {"k": "Yg=="}})
    volumes = [{"name": "v", "secret": {"secretName": "keys"}}]
    burst.cluster.put("pods", pod(volumes=volumes))
    await burst.until(burst.there)
    burst.cluster.drop("secrets", "shop", "keys")
    await burst.until(lambda: not any(mirror.objects for mirror, _ in burst.pods.copies._following.values()))
    burst.cluster.put("pods", pod("second", volumes=volumes))
    await burst.until(burst.events)
    assert burst.events()[0][0] == "FailedMount"
    assert burst.there("shop-second") is None


async def test_a_new_pod_starts_with_its_configmap_as_it_is_now(burst: World) -> None:
    burst.cluster.put("configmaps", {"metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "2"}})
    source = Source("ConfigMap", "shop", "settings")
    await burst.pods.copies.listed()
    given = {names.SOURCE_ANNOTATION: str(source)}
    await burst.pods.copies.write("ConfigMap", source.copy, {"data": {"a": "1"}}, labels={}, annotations=given)
    burst.cci.refuse[("PUT", "configmaps")] = (500, "InternalError", "no")
    burst.cluster.put("pods", pod(volumes=[{"name": "v", "configMap": {"name": "settings"}}]))
    await burst.until(lambda: any("PUT" in asked for asked in burst.cci.requests))
    assert burst.there() is None
    burst.cci.refuse.clear()
    await burst.until(burst.there)
    assert burst.cci.named("configmaps")[source.copy]["data"] == {"a": "2"}
