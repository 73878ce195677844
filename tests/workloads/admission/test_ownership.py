"""Who manages what: upstream's promises about apply, on our kinds, without a store."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import manifests
from workloads.admission import ownership
from workloads.admission.ownership import Versions, Writer
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import fieldsets, merging
from workloads.meta.errors import BadRequest, Conflict

JSON = dict[str, Any]
NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
BARE: JSON = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}


def kind(name: str = "Deployment") -> Kind:
    return registry.kind(name)


def writer(manager: str, *, minutes: int = 0, **rest: Any) -> Writer:
    return Writer(manager, rest.pop("api_version", "apps/v1"), NOW + timedelta(minutes=minutes), **rest)


def applied(live: JSON, config: JSON, manager: str = "one", *, force: bool = False) -> JSON:
    return ownership.apply(kind(), live, config, writer(manager), force=force)


def born(config: JSON, manager: str = "one") -> JSON:
    """What is there after the first apply."""
    made = applied(BARE, config, manager)
    made["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    return made


def config(**spec: Any) -> JSON:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def labelled(**labels: str) -> JSON:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels}}


def containers(*items: JSON) -> JSON:
    return config(template={"spec": {"containers": list(items)}})


def held(obj: JSON) -> dict[str, JSON]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", ())}


def test_who_applies_has_what_it_says_in_upstreams_form():
    port = {"containerPort": 80, "name": "http"}
    made = born(containers({"name": "app", "image": "a", "ports": [port], "args": ["x"]}))

    assert made["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "2026-05-04T10:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:spec": {
                    "f:template": {
                        "f:spec": {
                            "f:containers": {
                                'k:{"name":"app"}': {
                                    ".": {},
                                    "f:args": {},
                                    "f:image": {},
                                    "f:name": {},
                                    "f:ports": {
                                        'k:{"containerPort":80,"protocol":"TCP"}': {
                                            ".": {},
                                            "f:containerPort": {},
                                            "f:name": {},
                                        }
                                    },
                                }
                            }
                        }
                    }
                }
            },
        }
    ]


def test_who_creates_has_everything_structs_apart():
    obj = manifests.deployment("web")
    kind().default(obj)

    ownership.record_new(kind(), obj, writer("kubectl-create"))

    fields = held(obj)["kubectl-create"]
    assert fields["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}
    assert fields["f:spec"]["f:selector"] == {}
    assert fields["f:spec"]["f:strategy"] == {
        "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}},
        "f:type": {},
    }
    assert "." not in fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert "f:status" not in fields


def test_another_value_of_somebody_elses_field_is_a_conflict_in_kubectls_words():
    live = born(config(replicas=1, minReadySeconds=3))

    with pytest.raises(Conflict) as refused:
        applied(live, config(replicas=2), "two")

    body = refused.value.body()
    assert body["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert body["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"}
    ]


def test_several_conflicts_are_listed_by_their_managers():
    live = born(config(replicas=1, minReadySeconds=3))
    changed = {**deepcopy(live), "spec": {**live["spec"], "paused": True}}
    ownership.record_change(kind(), changed, live, writer("kubectl-edit"))

    with pytest.raises(Conflict) as refused:
        applied(changed, config(replicas=2, minReadySeconds=4, paused=False), "two")

    assert refused.value.message == (
        "Apply failed with 3 conflicts: "
        'conflicts with "kubectl-edit" using apps/v1:\n- .spec.paused\n'
        'conflicts with "one":\n- .spec.minReadySeconds\n- .spec.replicas'
    )


def test_force_takes_the_field_away_from_the_other():
    live = born(config(replicas=1, minReadySeconds=3))

    taken = applied(live, config(replicas=2), "two", force=True)

    assert taken["spec"]["replicas"] == 2
    assert held(taken) == {"one": {"f:spec": {"f:minReadySeconds": {}}}, "two": {"f:spec": {"f:replicas": {}}}}


def test_the_same_value_is_shared_and_stays_until_the_last_owner_leaves_it_out():
    live = applied(born(config(replicas=1)), config(replicas=1, paused=True), "two")

    without_one = applied(live, {**BARE, "metadata": {"name": "web"}}, "one")
    without_both = applied(without_one, config(paused=True), "two")

    assert without_one["spec"]["replicas"] == 1 and set(held(without_one)) == {"two"}
    assert "replicas" not in without_both["spec"] and without_both["spec"]["paused"] is True


def test_elements_of_a_list_with_keys_are_owned_one_by_one():
    live = born(containers({"name": "app", "image": "a"}))

    both = applied(live, containers({"name": "side", "image": "b"}), "two")
    left = applied(both, config(), "two")

    names = [one["name"] for one in both["spec"]["template"]["spec"]["containers"]]
    assert names == ["app", "side"]
    assert left["spec"]["template"]["spec"]["containers"] == [{"name": "app", "image": "a"}]


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ("abc", "ca", "bca"),
        ("abc", "xb", "axbc"),
        ("", "ab", "ab"),
        ("ab", "ba", "ba"),
        ("abcd", "bd", "abcd"),
    ],
)
def test_merged_lists_keep_the_appliers_order_and_the_others_places(before, given, after):
    live = containers(*({"name": name} for name in before))
    merged = applied({**live, "metadata": {}}, containers(*({"name": name} for name in given)))

    assert "".join(one["name"] for one in merged["spec"]["template"]["spec"]["containers"]) == after


def test_atomic_lists_and_maps_are_replaced_whole():
    selector = {"matchLabels": {"app": "web"}}
    live = born(config(selector=selector, template={"spec": {"tolerations": [{"key": "a"}]}}))

    with pytest.raises(Conflict) as refused:
        applied(live, config(selector={"matchLabels": {"tier": "x"}}, template={"spec": {"tolerations": []}}), "two")

    assert [cause.field for cause in refused.value.causes] == [".spec.selector", ".spec.template.spec.tolerations"]


def test_finalizers_are_a_set():
    first, second = ({**BARE, "metadata": {"name": "web", "finalizers": [f"cci.io/{name}"]}} for name in ("one", "two"))

    both = applied(born(first), second, "two")
    left = applied(both, labelled(), "one")

    assert both["metadata"]["finalizers"] == ["cci.io/one", "cci.io/two"]
    assert left["metadata"]["finalizers"] == ["cci.io/two"]
    assert held(left)["two"] == {"f:metadata": {"f:finalizers": {'v:"cci.io/two"': {}}}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (config(replicaz=1), "failed to create typed patch object (/web; apps/v1, Kind=Deployment): "
         ".spec.replicaz: field not declared in schema"),
        (containers({"name": "a"}, {"name": "a"}), 'duplicate entries for key [name="a"]'),
        (containers({"image": "a"}), 'omits key field "name" (and doesn\'t have default value)'),
        ({**config(), "apiVersion": "apps/v1beta1"}, "invalid object type: apps/v1beta1, Kind=Deployment"),
        ({**config(), "kind": "Pod"}, "invalid object type: apps/v1, Kind=Pod"),
        ({**config(), "metadata": {"managedFields": []}}, "metadata.managedFields must be nil"),
        ({**config(), "spec": [1]}, ".spec: expected map, got list"),
    ],
)  # fmt: skip
def test_what_cannot_be_applied_says_where(wrong, message):
    with pytest.raises(BadRequest) as refused:
        applied(BARE, wrong)

    assert message in refused.value.message


def test_an_update_takes_what_it_changes_and_nothing_else():
    live = born(config(replicas=1, minReadySeconds=3))
    changed = {**deepcopy(live), "spec": {**live["spec"], "replicas": 9}}

    ownership.record_change(kind(), changed, live, writer("kubectl-edit", minutes=5))

    assert held(changed) == {
        "one": {"f:spec": {"f:minReadySeconds": {}}},
        "kubectl-edit": {"f:spec": {"f:replicas": {}}},
    }
    assert changed["metadata"]["managedFields"][1]["time"] == "2026-05-04T10:05:00Z"


def test_of_many_updaters_the_oldest_are_folded_into_one():
    live = born(labelled(own="x"))
    for number in range(14):
        changed = deepcopy(live)
        changed["metadata"]["labels"][f"of{number:02}"] = "x"
        ownership.record_change(kind(), changed, live, writer(f"m{number:02}", minutes=number))
        live = changed

    updaters = [one["manager"] for one in live["metadata"]["managedFields"] if one["operation"] == "Update"]
    assert len(updaters) == 10
    labels = held(live)["ancient-changes"]["f:metadata"]["f:labels"]
    assert set(labels) == {f"f:of{number:02}" for number in range(5)}


def test_what_nobody_managed_is_told_apart_at_the_first_apply():
    live = born(config(replicas=3, paused=True))
    del live["metadata"]["managedFields"]

    with pytest.raises(Conflict) as refused:
        applied(live, config(replicas=4), "one")

    assert refused.value.message.endswith('conflict with "before-first-apply" using apps/v1: .spec.replicas')


def test_kubectl_takes_over_what_client_side_apply_said_and_still_is_so():
    noted = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":1,"paused":true}}'
    obj = config(replicas=1, paused=True)
    obj["metadata"]["annotations"] = {ownership.LAST_APPLIED: noted}
    ownership.record_new(kind(), obj, writer("kubectl-client-side-apply"))
    obj["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"

    taken = applied(obj, config(replicas=2), "kubectl")

    assert taken["spec"]["replicas"] == 2
    assert '"replicas":2' in taken["metadata"]["annotations"][ownership.LAST_APPLIED]
    with pytest.raises(Conflict):
        applied(obj, config(replicas=2), "somebody")


def test_managed_fields_may_be_handed_over_and_forgotten():
    live = born(config(replicas=1))
    handed = deepcopy(live)
    handed["metadata"]["managedFields"][0]["manager"] = "heir"
    ownership.record_change(kind(), handed, live, writer("kubectl"))
    forgotten = deepcopy(live)
    forgotten["metadata"]["managedFields"] = [{}]
    ownership.record_change(kind(), forgotten, live, writer("kubectl"))
    broken = deepcopy(live)
    broken["metadata"]["managedFields"] = [{"operation": "Take"}]
    ownership.record_change(kind(), broken, live, writer("kubectl"))

    assert set(held(handed)) == {"heir"}
    assert "managedFields" not in forgotten["metadata"]
    assert held(broken) == held(live)


def test_an_autoscalers_versions_know_of_each_other():
    scaler = kind("HorizontalPodAutoscaler")
    obj = manifests.autoscaler("web")
    ownership.record_new(scaler, obj, writer("old", api_version="autoscaling/v1"))
    obj["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    wanted = {
        "apiVersion": "autoscaling/v2",
        "kind": scaler.name,
        "metadata": {"name": "web"},
        "spec": {"maxReplicas": 4},
    }

    with pytest.raises(Conflict, match=r'"old" using autoscaling/v1: .spec.maxReplicas'):
        ownership.apply(scaler, obj, wanted, writer("new", api_version="autoscaling/v2"), force=False)


NAMES = st.sampled_from("abcd")
LABELS = st.dictionaries(NAMES, st.sampled_from("xy"), max_size=4)
ITEMS = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"image": st.sampled_from("xy"), "args": st.just(["x"])}),
    max_size=3,
    unique_by=lambda one: one["name"],
)


@st.composite
def configs(draw: st.DrawFn) -> JSON:
    obj = labelled(**draw(LABELS))
    obj["spec"] = draw(st.fixed_dictionaries({}, optional={"replicas": st.integers(1, 3), "paused": st.booleans()}))
    if items := draw(ITEMS):
        obj["spec"]["template"] = {"spec": {"containers": items}}
    return obj


@given(configs(), configs())
def test_applying_again_changes_nothing(first: JSON, second: JSON) -> None:
    live = applied(born(first), second, "two", force=True)

    assert applied(live, second, "two") == live


@given(configs(), configs())
def test_what_somebody_has_alone_goes_when_it_is_left_out_and_what_two_have_stays(first: JSON, second: JSON) -> None:
    mine, theirs = first["metadata"]["labels"], second["metadata"]["labels"]
    live = applied(born(first), second, "two", force=True)

    left = applied(live, labelled(), "one", force=True)

    assert (left["metadata"].get("labels") or {}) == theirs
    assert {**mine, **theirs} == (live["metadata"].get("labels") or {})


@given(LABELS, LABELS)
def test_fields_of_two_who_do_not_meet_both_survive(first: dict[str, str], second: dict[str, str]) -> None:
    mine = {f"one-{name}": value for name, value in first.items()}
    theirs = {f"two-{name}": value for name, value in second.items()}

    live = applied(born(labelled(**mine)), labelled(**theirs), "two")

    assert (live["metadata"].get("labels") or {}) == mine | theirs


@given(configs(), configs(), configs())
def test_nobody_is_listed_for_a_field_that_is_not_there(first: JSON, second: JSON, third: JSON) -> None:
    live = applied(applied(born(first), second, "two", force=True), third, "one", force=True)

    there = merging.fields_of(live, Versions(kind()).shape("apps/v1"))
    shape = Versions(kind()).shape("apps/v1")
    for fields in held(live).values():
        assert fieldsets.difference(fields, merging.with_named(there, shape)) == {}
