"""Roles: what rules allow and cover, the ClusterRoles of every account, and what is wrong with a role or a binding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.kinds import clusterroles, registry, rolerules, roles
from workloads.kinds.rolerules import Question

RBAC = "rbac.authorization.k8s.io"


def rule(verbs, groups=(), resources=(), **rest):
    return {"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources), **rest}


def allows(one, verb, group, resource, subresource="", name=""):
    return rolerules.allow(rolerules.of([one]), Question(verb, group, resource, subresource, name))


READ_LOGS = rule(["get"], [""], ["pods/log"])
ONE_SECRET = rule(["get", "delete"], [""], ["secrets"], resourceNames=["web"])
SCALE_ALL = rule(["update"], ["*"], ["*/scale"])
ALL = rule(["*"], ["*"], ["*"])


@pytest.mark.parametrize(
    ("one", "asked", "allowed"),
    [
        (READ_LOGS, ("get", "", "pods", "log"), True),
        (READ_LOGS, ("get", "", "pods"), False),
        (READ_LOGS, ("list", "", "pods", "log"), False),
        (rule(["get"], [""], ["pods"]), ("get", "", "pods", "log"), False),
        (rule(["get"], ["apps"], ["*"]), ("get", "apps", "deployments", "scale"), True),
        (rule(["get"], ["apps"], ["*"]), ("get", "", "pods"), False),
        (ONE_SECRET, ("get", "", "secrets", "", "web"), True),
        (ONE_SECRET, ("get", "", "secrets", "", "other"), False),
        (ONE_SECRET, ("list", "", "secrets"), False),
        (rule(["create"], [""], ["secrets"], resourceNames=["web"]), ("create", "", "secrets"), False),
        (SCALE_ALL, ("update", "apps", "deployments", "scale"), True),
        (SCALE_ALL, ("update", "apps", "deployments"), False),
        (ALL, ("anything", "any", "things", "of", "it"), True),
    ],
)
def test_a_rule_allows_what_it_says(one, asked, allowed):
    assert allows(one, *asked) is allowed


def lacking(held, wanted):
    return [rolerules.shown(one) for one in rolerules.missing(rolerules.of(held), rolerules.of(wanted))]


def test_rules_cover_the_parts_of_others_together():
    held = [rule(["get"], [""], ["pods"]), rule(["list"], [""], ["pods"])]
    assert lacking(held, [rule(["get", "list"], [""], ["pods"])]) == []


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        ([ALL], [ALL], []),
        ([READ_LOGS], [rule(["get"], [""], ["pods"])], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']),
        ([ONE_SECRET], [rule(["get"], [""], ["secrets"])], ['{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}']),
        ([rule(["get"], [""], ["secrets"])], [rule(["get"], [""], ["secrets"], resourceNames=["a"])], []),
        (
            [rule(["get"], [""], ["pods"])],
            [rule(["*"], [""], ["pods"])],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'],
        ),
        ([rule(["*"], ["*"], ["*/scale"])], [rule(["get"], ["apps"], ["deployments/scale"])], []),
        ([ALL], [{"verbs": ["get"], "nonResourceURLs": ["/x"]}], ['{NonResourceURLs:["/x"], Verbs:["get"]}']),
        ([{"verbs": ["*"], "nonResourceURLs": ["/a/*"]}], [{"verbs": ["get"], "nonResourceURLs": ["/a/b"]}], []),
    ],
)
def test_what_is_not_covered_is_named(held, wanted, missing):
    assert lacking(held, wanted) == missing


WORDS = st.lists(st.sampled_from(["*", "get", "pods", "pods/log", "", "apps"]), min_size=1, max_size=3)
RULES = st.lists(st.builds(rule, WORDS, WORDS, WORDS), max_size=3)
ASKED = st.builds(
    Question,
    st.sampled_from(["get", "list"]),
    st.sampled_from(["", "apps"]),
    st.just("pods"),
    st.sampled_from(["", "log"]),
)


@given(RULES, RULES, ASKED)
def test_who_covers_rules_may_all_that_they_allow(held, wanted, asked):
    mine, theirs = rolerules.of(held), rolerules.of(wanted)
    if not rolerules.missing(mine, theirs) and rolerules.allow(theirs, asked):
        assert rolerules.allow(mine, asked)


@given(RULES)
def test_rules_cover_themselves(held):
    assert rolerules.missing(rolerules.of(held), rolerules.of(held)) == []


def fixed(name):
    return next(rolerules.of(role["rules"]) for role in clusterroles.FIXED if role["metadata"]["name"] == name)


@pytest.mark.parametrize(
    ("role", "asked", "allowed"),
    [
        ("view", Question("list", "", "pods"), True),
        ("view", Question("get", "", "pods", "log"), True),
        ("view", Question("get", "", "secrets"), False),
        ("view", Question("create", "", "pods"), False),
        ("view", Question("get", RBAC, "roles"), False),
        ("edit", Question("get", "", "secrets"), True),
        ("edit", Question("create", "", "pods", "exec"), True),
        ("edit", Question("patch", "apps", "deployments", "scale"), True),
        ("edit", Question("create", RBAC, "rolebindings"), False),
        ("edit", Question("delete", "", "namespaces"), False),
        ("admin", Question("create", RBAC, "rolebindings"), True),
        ("admin", Question("update", "", "resourcequotas"), False),
        ("cluster-admin", Question("escalate", RBAC, "roles"), True),
    ],
)
def test_the_roles_of_every_account_are_kubernetes_own(role, asked, allowed):
    assert rolerules.allow(fixed(role), asked) is allowed


def test_each_role_covers_the_one_below():
    for above, below in (("cluster-admin", "admin"), ("admin", "edit"), ("edit", "view")):
        assert rolerules.missing(fixed(above), fixed(below)) == []


def test_view_sees_every_kind_of_work_but_secrets_and_roles():
    hidden = {"secrets", "roles", "rolebindings", "leases"}
    for kind in registry.kinds().values():
        if kind.namespaced:
            sees = rolerules.allow(fixed("view"), Question("list", kind.group, kind.plural))
            assert sees is (kind.plural not in hidden), kind.plural


def role(*rules):
    return {"metadata": {"name": "x", "namespace": "shop"}, "rules": list(rules)}


def binding(reference=None, *subjects):
    return {
        "metadata": {"name": "x", "namespace": "shop"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view", **(reference or {})},
        "subjects": list(subjects),
    }


def fields(found):
    return [cause.field for cause in found]


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (role(rule([], [""], ["pods"])), ["rules[0].verbs"]),
        (role(rule(["get"])), ["rules[0].apiGroups", "rules[0].resources"]),
        (role({"verbs": ["get"], "nonResourceURLs": ["/x"]}), ["rules[0].nonResourceURLs"]),
        ({**role(), "metadata": {"name": "a/b", "namespace": "shop"}}, ["metadata.name"]),
    ],
)
def test_what_is_wrong_with_a_role_is_said(broken, wrong):
    assert fields(roles.ROLE.validate(broken, None)) == wrong


def test_names_of_roles_may_have_colons():
    assert roles.ROLE.validate({**role(), "metadata": {"name": "system:x:Y", "namespace": "shop"}}, None) == []


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (binding({"kind": "Pod"}), ["roleRef.kind"]),
        (binding({"name": ""}), ["roleRef.name"]),
        (binding({"apiGroup": "apps"}), ["roleRef.apiGroup"]),
        (binding({}, {"kind": "Robot", "name": "x"}), ["subjects[0].kind"]),
        (binding({}, {"kind": "User", "name": "", "apiGroup": RBAC}), ["subjects[0].name"]),
        (binding({}, {"kind": "User", "name": "x", "apiGroup": "apps"}), ["subjects[0].apiGroup"]),
        (binding({}, {"kind": "ServiceAccount", "name": "x"}), ["subjects[0].namespace"]),
        (binding({}, {"kind": "ServiceAccount", "name": "X!", "namespace": "shop"}), ["subjects[0].name"]),
    ],
)
def test_what_is_wrong_with_a_binding_is_said(broken, wrong):
    assert fields(roles.BINDING.validate(broken, None)) == wrong


def test_a_binding_to_a_role_is_for_a_namespace():
    assert roles.BINDING.validate(binding({"kind": "Role"}), None) == []
    assert fields(roles.CLUSTER_BINDING.validate(binding({"kind": "Role"}), None)) == ["roleRef.kind"]


def test_the_role_of_a_binding_is_chosen_once():
    found = roles.BINDING.validate(binding({"name": "edit"}), binding())
    assert [cause.field for cause in found] == ["roleRef"] and "cannot change roleRef" in found[0].message


def test_groups_of_subjects_are_filled_in():
    made = binding({"apiGroup": ""}, {"kind": "User", "name": "bob"}, {"kind": "ServiceAccount", "name": "x"})
    roles.default_binding(made)
    assert made["roleRef"]["apiGroup"] == RBAC
    assert [subject.get("apiGroup") for subject in made["subjects"]] == [RBAC, None]
