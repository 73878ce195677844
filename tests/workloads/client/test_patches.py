"""A patch is applied to the newest object, whatever happened since the caller looked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workloads.client import WriteOptions
from workloads.meta.errors import BadRequest, Conflict, Invalid, NotFound, Refused, TooLarge

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def test_a_merge_patch_changes_what_it_names(client, web):
    after = client.patch("Deployment", "web", {"spec": {"replicas": 4}}, MERGE, "shop").obj

    assert after["spec"] == {**web["spec"], "replicas": 4}
    assert after["metadata"]["generation"] == 2


def test_a_json_patch_changes_what_it_points_at(client, web):
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 4}]

    assert client.patch("Deployment", "web", operations, JSON_PATCH, "shop").obj["spec"]["replicas"] == 4


def test_a_strategic_patch_merges_containers_by_name(client, web):
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "nginx:2"}]}}}}

    after = client.patch("Deployment", "web", patch, STRATEGIC, "shop").obj

    (container,) = after["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "nginx:2"
    assert container["command"] == ["sleep", "3600"]


def test_a_null_removes_a_label(client, web):
    after = client.patch("Deployment", "web", {"metadata": {"labels": {"app": None}}}, MERGE, "shop").obj

    assert "labels" not in after["metadata"]


def test_a_patch_that_changes_nothing_writes_nothing(client, web):
    head = client.revision()

    answer = client.patch("Deployment", "web", {"spec": {"replicas": 2}}, STRATEGIC, "shop")

    assert answer.obj == web
    assert client.revision() == head


def test_a_patch_that_pins_an_old_revision_is_a_conflict(client, web):
    client.patch("Deployment", "web", {"spec": {"replicas": 4}}, MERGE, "shop")
    pinned = {"metadata": {"resourceVersion": web["metadata"]["resourceVersion"]}, "spec": {"replicas": 5}}

    with pytest.raises(Conflict):
        client.patch("Deployment", "web", pinned, MERGE, "shop")


def test_a_patch_cannot_move_an_object(client, web):
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        client.patch("Deployment", "web", {"metadata": {"name": "api"}}, MERGE, "shop")


def test_a_patched_spec_does_not_carry_status_along(client, web):
    after = client.patch("Deployment", "web", {"status": {"readyReplicas": 7}}, MERGE, "shop").obj

    assert after == web


def test_status_is_patched_by_controllers_alone(client, controller, web):
    status = {"status": {"readyReplicas": 1}}
    with pytest.raises(Refused):
        client.patch("Deployment", "web", status, MERGE, "shop", subresource="status")

    after = controller.patch("Deployment", "web", status, MERGE, "shop", subresource="status").obj

    assert after["status"]["readyReplicas"] == 1


def test_an_unknown_field_in_a_patch_is_told_as_the_caller_wants(client, web):
    patch = {"spec": {"replicaz": 4}}

    warned = client.patch("Deployment", "web", patch, MERGE, "shop", options=WriteOptions(field_validation="Warn"))
    assert warned.warnings == ('unknown field "spec.replicaz"',)

    with pytest.raises(Invalid, match=r'strict decoding error: unknown field "spec\.replicaz"'):
        client.patch("Deployment", "web", patch, MERGE, "shop", options=WriteOptions(field_validation="Strict"))


def test_a_patch_of_nothing_is_not_found(client, shop):
    with pytest.raises(NotFound):
        client.patch("Deployment", "web", {}, MERGE, "shop")


@pytest.mark.parametrize(
    ("nonsense", "error"),
    [
        ({"metadata": []}, BadRequest),
        ({"metadata": {"labels": "none"}}, Invalid),
        ({"spec": []}, Invalid),
        ({"kind": ["Pod"]}, BadRequest),
    ],
)
def test_a_patch_that_makes_nonsense_of_an_object_is_refused(client, web, nonsense, error):
    with pytest.raises(error):
        client.patch("Deployment", "web", nonsense, MERGE, "shop")

    assert client.get("Deployment", "web", "shop") == web


@pytest.mark.parametrize("nonsense", [{"spec": []}, {"spec": {"replicas": "two"}}, {"spec": {"replicas": 2**40}}])
def test_a_patch_that_makes_nonsense_of_a_scale_is_invalid(client, web, nonsense):
    with pytest.raises(Invalid):
        client.patch("Deployment", "web", nonsense, MERGE, "shop", subresource="scale")


def test_a_kind_without_the_subresource_has_none(controller, one):
    with pytest.raises(NotFound):
        controller.patch("Pod", "one", {}, MERGE, "shop", subresource="scale")


def test_patches_do_not_make_an_object_larger_than_one_may_be(client, web):
    grow = {"spec": {"template": {"spec": {"containers": [{"name": "app", "args": ["x" * 2_000_000]}]}}}}

    with pytest.raises(TooLarge, match="an object may have 1572864"):
        client.patch("Deployment", "web", grow, STRATEGIC, "shop")

    assert client.get("Deployment", "web", "shop") == web


def test_a_json_patch_with_strange_and_doubled_keys_is_told_as_the_caller_wants(client, web):
    patch = [{"op": "add", "path": "/metadata/labels/tier", "value": "front", "reason": "none"}]
    options = WriteOptions(field_validation="Warn", duplicates=("[0].op",))

    warned = client.patch("Deployment", "web", patch, JSON_PATCH, "shop", options=options)

    said = ('json patch duplicate field "[0].op"', 'json patch unknown field "[0].reason"')
    assert (warned.warnings, warned.obj["metadata"]["labels"]["tier"]) == (said, "front")
    with pytest.raises(Invalid, match='strict decoding error: json patch duplicate field "'):
        strict = replace(options, field_validation="Strict")
        client.patch("Deployment", "web", patch, JSON_PATCH, "shop", options=strict)


def test_a_patch_of_a_secret_is_refused_without_a_word_of_it(client, shop):
    client.create("Secret", {"metadata": {"name": "door"}}, "shop")

    with pytest.raises(Invalid) as refused:
        patch = {"stringData": {"key": "open sesame"}, "strange": "open sesame"}
        client.patch("Secret", "door", patch, MERGE, "shop", options=WriteOptions(field_validation="Strict"))

    assert (
        refused.value.message == ' "" is invalid: patch: Invalid value: strict decoding error: unknown field "strange"'
    )
