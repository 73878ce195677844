"""The map: from Ingress and Service to pods and what they use; the same as a drawing and as a list."""

from __future__ import annotations

from django.test import Client as Browser

from console import mapping, maps
from console.maps import Graph, Node, Ref
from tests import manifests
from tests.console import scenes
from tests.console.test_pages import text_of

A, B, C = Ref("Service", "a"), Ref("Deployment", "b"), Ref("Pod", "c")


def graph() -> Graph:
    found = Graph()
    for ref in (A, B, C, Ref("Service", "alone")):
        found.add(Node(ref))
    found.join(A, B)
    found.join(B, C)
    return found


def test_a_workload_shows_what_leads_to_it_and_what_it_leads_to() -> None:
    assert set(graph().around(B).nodes) == {A, B, C}
    assert set(graph().around(Ref("Service", "alone")).nodes) == {Ref("Service", "alone")}


def test_columns_that_nothing_stands_in_take_no_room_and_no_two_boxes_overlap() -> None:
    found = maps.drawn(graph())
    assert sorted({box.x for box in found.boxes}) == [4, 196, 388]
    assert len({(box.x, box.y) for box in found.boxes}) == 4
    assert [(step.depth, step.node.name) for step in found.steps] == [(0, "a"), (1, "b"), (2, "c"), (0, "alone")]


def test_what_is_led_to_twice_is_told_once() -> None:
    found = graph()
    found.join(Ref("Service", "alone"), B)
    said = [(step.node.name, step.again) for step in maps.drawn(found).steps]
    assert said == [("a", False), ("b", False), ("c", False), ("alone", False), ("b", True)]


def test_a_namespace_is_drawn_from_its_objects(shop: None, browser: Browser) -> None:
    pod = manifests.pod("taker")
    pod["spec"]["volumes"] = [{"name": "v", "configMap": {"name": "nowhere", "optional": True}}]
    scenes.person().create("Pod", pod, "shop")
    found = mapping.of_namespace(scenes.person(), "shop")
    assert (Ref("Deployment", "web"), Ref("ReplicaSet", "web-0001")) in found.edges
    assert (Ref("Pod", "taker"), Ref("ConfigMap", "nowhere")) in found.edges
    assert "ConfigMap nowhere" in text_of(browser, "/namespaces/shop/map/")
    assert "Missing" in text_of(browser, "/namespaces/shop/map/")
    assert "taker" not in text_of(browser, "/namespaces/shop/deployments/web/map/")


def test_a_deployment_on_the_map_says_what_ails_its_pods(shop: None) -> None:
    sick = scenes.deployment("sick", replicas=1)
    scenes.pod("sick-0001-aaaaa", owner=scenes.replica_set(sick), status=scenes.image_problem())
    state = mapping.of_namespace(scenes.person(), "shop").nodes[Ref("Deployment", "sick")].state
    assert state and (state.word, state.tone) == ("Image problem", "bad")


def test_many_pods_of_one_owner_are_counted(shop: None) -> None:
    for number in range(mapping.MOST_PODS + 3):
        scenes.person().create("Pod", manifests.pod(f"bare-{number}"), "shop")
    found = mapping.of_namespace(scenes.person(), "shop")
    assert [node.name for node in found.nodes.values() if "more pods" in node.name] != []
