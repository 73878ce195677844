"""What policies allow: tables of documents and questions, and what is wrong with a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam import policies
from iam.identities import Identity
from iam.policies import ADMINISTRATOR, COMMON_OPERATIONS, FULL_ACCESS, READ_ONLY, SYSTEM
from workloads.kinds import registry

NETWORK_AND_ROLES = ("namespace", "network", "elb", "role", "rolebinding", "clusterrolebinding")


def document(*statements):
    return {"Version": "1.1", "Statement": list(statements)}


def allow(*actions, **rest):
    return {"Effect": "Allow", "Action": list(actions), **rest}


def deny(*actions, **rest):
    return {"Effect": "Deny", "Action": list(actions), **rest}


def with_policies(*documents):
    rights = policies.rights(documents)
    return Identity("acme", "eve", actions=rights.actions, statements=rights.statements)


def with_system(*names):
    return with_policies(*(SYSTEM[name].document for name in names))


@pytest.mark.parametrize(
    ("policy", "action", "allowed"),
    [
        (ADMINISTRATOR, "cci:namespace:delete", True),
        (ADMINISTRATOR, "iam:user:create", True),
        (FULL_ACCESS, "cci:namespace:create", True),
        (FULL_ACCESS, "cci:rolebinding:create", True),
        (FULL_ACCESS, "iam:user:list", False),
        (READ_ONLY, "cci:pod:get", True),
        (READ_ONLY, "cci:podlog:get", True),
        (READ_ONLY, "cci:namespace:list", True),
        (READ_ONLY, "cci:pod:delete", False),
        (READ_ONLY, "cci:podexec:create", False),
        (READ_ONLY, "cci:serviceaccounttoken:create", False),
        (COMMON_OPERATIONS, "cci:deployment:create", True),
        (COMMON_OPERATIONS, "cci:podexec:create", True),
        (COMMON_OPERATIONS, "cci:namespace:get", True),
        (COMMON_OPERATIONS, "cci:role:list", True),
        (COMMON_OPERATIONS, "cci:elb:list", True),
        (FULL_ACCESS, "cci:elb:delete", True),
        *((COMMON_OPERATIONS, f"cci:{noun}:create", False) for noun in NETWORK_AND_ROLES),
        *((COMMON_OPERATIONS, f"cci:{noun}:delete", False) for noun in NETWORK_AND_ROLES),
        (COMMON_OPERATIONS, "cci:rolebinding:update", False),
    ],
)
def test_a_system_policy_allows_what_it_says(policy, action, allowed):
    assert with_system(policy).may(action) is allowed


def test_without_a_policy_nothing_is_allowed():
    assert not with_policies().may("cci:namespace:list")


def test_a_deny_beats_every_allow():
    eve = with_policies(SYSTEM[FULL_ACCESS].document, document(deny("CCI:secret:*")))
    assert eve.may("cci:pod:delete") and not eve.may("cci:secret:get")


def test_who_may_do_everything_in_iam_is_an_administrator():
    assert with_system(ADMINISTRATOR).is_administrator
    assert not with_system(FULL_ACCESS).is_administrator
    assert not with_policies(SYSTEM[ADMINISTRATOR].document, document(deny("IAM:*:*"))).is_administrator


@pytest.mark.parametrize(
    ("namespace", "allowed"), [("shop-1", True), ("shop", False), ("bank", False), ("", False), (None, False)]
)
def test_a_statement_with_resources_speaks_of_those_namespaces(namespace, allowed):
    eve = with_policies(document(allow("CCI:pod:*", Resource=["CCI:*:*:namespace:shop-*"])))
    assert eve.may("cci:pod:list", namespace) is allowed


@pytest.mark.parametrize(("namespace", "allowed"), [("shop", True), ("bank", False), (None, False), ("", True)])
def test_a_denied_namespace_denies_the_question_about_all(namespace, allowed):
    eve = with_policies(SYSTEM[FULL_ACCESS].document, document(deny("CCI:*:*", Resource="CCI:*:*:namespace:bank")))
    assert eve.may("cci:pod:list", namespace) is allowed


@pytest.mark.parametrize("name", SYSTEM)
def test_system_policies_are_documents_without_fault(name):
    assert policies.problems(SYSTEM[name].document) == {}


def test_every_kind_has_a_noun_that_policies_know():
    for kind in registry.kinds().values():
        assert (kind.noun or kind.singular or kind.name.lower()) in policies.NOUNS


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ([], "document"),
        ({"Version": "2", "Statement": [allow("CCI:pod:get")]}, "Version"),
        ({"Version": "1.1"}, "Statement"),
        ({"Version": "1.1", "Statement": []}, "Statement"),
        (document(*[allow("CCI:pod:get")] * 9), "Statement"),
        (document("x"), "Statement[0]"),
        (document({"Effect": "Maybe", "Action": ["CCI:pod:get"]}), "Statement[0].Effect"),
        (document({"Effect": "Allow"}), "Statement[0].Action"),
        (document(allow("CCI:pod")), "Statement[0].Action[0]"),
        (document(allow("CCI:pod:get", "ECS:server:get")), "Statement[0].Action[1]"),
        (document(allow("CCI:pdo:get")), "Statement[0].Action[0]"),
        (document(allow("CCI:pod:fly")), "Statement[0].Action[0]"),
        (document(allow(7)), "Statement[0].Action[0]"),
        (document(allow("CCI:pod:get", Resource=["shop"])), "Statement[0].Resource[0]"),
        (document(allow("CCI:pod:get", Resource=["CCI:\0:*:namespace:shop"])), "Statement[0].Resource[0]"),
        (document(allow("CCI:pod:get", Resource=[])), "Statement[0].Resource"),
        (document(allow("CCI:pod:get", Condition={})), "Statement[0].Condition"),
        (document(allow("CCI:pod:get", Extra=1)), "Statement[0].Extra"),
    ],
)
def test_what_is_wrong_with_a_document_is_said_by_field(broken, field):
    assert list(policies.problems(broken)) == [field]


PARTS = st.sampled_from(["pod", "secret", "get", "list", "delete", "*", "p*"])
ACTIONS = st.builds(lambda noun, verb: f"cci:{noun}:{verb}", PARTS, PARTS)
STATEMENTS = st.builds(
    lambda effect, actions, names: {
        "Effect": effect,
        "Action": actions,
        **({"Resource": [f"CCI:*:*:namespace:{name}" for name in names]} if names else {}),
    },
    st.sampled_from(["Allow", "Deny"]),
    st.lists(ACTIONS, min_size=1, max_size=3),
    st.lists(st.sampled_from(["shop", "bank", "*"]), max_size=2),
)
ASKED = st.sampled_from(["cci:pod:get", "cci:secret:delete", "cci:pod:list"])
PLACES = st.sampled_from(["shop", "bank", "", None])


@given(st.lists(STATEMENTS, max_size=4), STATEMENTS, ASKED, PLACES)
def test_another_deny_never_gives_and_another_allow_never_takes(said, more, asked, place):
    before = with_policies(document(*said)).may(asked, place)
    after = with_policies(document(*said, more)).may(asked, place)
    assert after <= before if more["Effect"] == "Deny" else after >= before


@given(st.lists(STATEMENTS, max_size=4), ASKED)
def test_what_is_allowed_in_all_namespaces_is_allowed_in_each(said, asked):
    eve = with_policies(document(*said))
    if eve.may(asked, None):
        assert eve.may(asked, "shop") and eve.may(asked, "bank")
