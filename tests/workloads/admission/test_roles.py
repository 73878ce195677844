"""Policies and roles together: alice administers acme, bob may everything by policy and needs roles where they count, a
robot is a ServiceAccount with roles alone; charlie of another account sees nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from iam import identities, policies
from iam.identities import Identity
from iam.policies import COMMON_OPERATIONS, SYSTEM
from tests import manifests
from workloads.admission import authorize, rbac
from workloads.client import Client
from workloads.kinds import registry, tokenrequests
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.meta.errors import Forbidden, MethodNotAllowed, NotFound, Refused

RBAC = "rbac.authorization.k8s.io"
MERGE = "application/merge-patch+json"


def service_account(account: str) -> Identity:
    user, groups = tokenrequests.username("bank", "robot"), tokenrequests.groups("bank")
    return Identity(account, user, groups=groups, actions=())


ROBOT = service_account("acme")


def switched(name: str) -> dict[str, Any]:
    made = manifests.namespace(name)
    made["metadata"]["labels"] = {RBAC_LABEL: "true"}
    return made


def role(name: str, *rules: tuple[str, str, str], names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Rules are (verbs, group, resources), words apart by spaces."""
    listed = [{"verbs": verbs.split(), "apiGroups": [group], "resources": what.split()} for verbs, group, what in rules]
    for rule in listed:
        if names:
            rule["resourceNames"] = list(names)
    return {"metadata": {"name": name}, "rules": listed}


def binding(name: str, to: str, *subjects: dict[str, str], kind: str = "ClusterRole") -> dict[str, Any]:
    reference = {"apiGroup": RBAC, "kind": kind, "name": to}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": list(subjects)}


def person(name: str) -> dict[str, str]:
    return {"kind": "User", "name": name, "apiGroup": RBAC}


A_ROBOT = {"kind": "ServiceAccount", "name": "robot", "namespace": "bank"}


@pytest.fixture
def admin(db) -> Client:
    groups = (identities.AUTHENTICATED, identities.MASTERS)
    return Client(Identity("acme", "alice", groups=groups, actions=("cci:*:*", "iam:*:*")))


@pytest.fixture
def helper(admin: Client, bob: Identity) -> Client:
    return Client(Identity("acme", "bob", groups=(identities.AUTHENTICATED, "devs")))


@pytest.fixture
def robot(admin: Client) -> Client:
    return Client(ROBOT)


@pytest.fixture(autouse=True)
def bank(admin: Client) -> None:
    """`bank` has roles, `shop` has none; a Secret, a Deployment and two ConfigMaps lie in each."""
    admin.create("Namespace", switched("bank"))
    admin.create("Namespace", manifests.namespace("shop"))
    for namespace in ("bank", "shop"):
        admin.create("Deployment", manifests.deployment("web"), namespace)
        admin.create("Secret", {"metadata": {"name": "key"}, "stringData": {"a": "b"}}, namespace)
        for name in ("one", "two"):
            admin.create("ConfigMap", {"metadata": {"name": name}, "data": {}}, namespace)


def may(client: Client, verb: str, kind: str, namespace: str | None = "bank", **rest: str) -> bool:
    return client.may(verb, kind, namespace, **rest)


def test_without_roles_the_policy_alone_decides(helper):
    assert helper.get("Secret", "key", "shop")["metadata"]["name"] == "key"


def test_where_roles_count_a_policy_is_not_enough(helper):
    with pytest.raises(Forbidden) as refused:
        helper.list("Pod", "bank")
    body = refused.value.body()
    assert (body["code"], body["errorCode"]) == (403, "CCI.01.403105")
    assert body["message"] == (
        "insufficient operation permission, require cci:pod:list: "
        'User "bob" cannot list resource "pods" in API group "" in the namespace "bank"'
    )


@pytest.mark.parametrize("subject", [person("bob"), {"kind": "Group", "name": "devs", "apiGroup": RBAC}])
def test_a_binding_gives_its_role_to_users_and_groups(admin, helper, subject):
    admin.create("RoleBinding", binding("viewers", "view", subject), "bank")
    assert len(helper.list("ConfigMap", "bank").items) == 2
    with pytest.raises(Forbidden, match="require cci:secret:get"):
        helper.get("Secret", "key", "bank")
    with pytest.raises(Forbidden, match="require cci:configmap:delete"):
        helper.delete("ConfigMap", "one", "bank")


def test_a_role_gives_nothing_that_the_policy_does_not(admin):
    admin.create("RoleBinding", binding("editors", "edit", person("eve")), "bank")
    eve = Client(Identity("acme", "eve", groups=(identities.AUTHENTICATED,), actions=("cci:*:get", "cci:*:list")))
    assert eve.get("Secret", "key", "bank")["metadata"]["name"] == "key"
    with pytest.raises(Forbidden, match=r"require cci:secret:delete$"):
        eve.delete("Secret", "key", "bank")


def test_masters_need_no_role(admin):
    assert len(admin.list("ConfigMap").items) == 4
    assert admin.delete("ConfigMap", "one", "bank")["metadata"]["name"] == "one"


def test_all_namespaces_are_listed_by_those_who_may_see_each(admin, helper):
    with pytest.raises(Forbidden, match='in the namespace "bank"'):
        helper.list("ConfigMap")
    admin.create("RoleBinding", binding("viewers", "view", person("bob")), "bank")
    assert len(helper.list("ConfigMap").items) == 4


def test_a_page_across_namespaces_leaves_out_what_may_not_be_seen(admin, helper):
    pages = Client(helper.identity, only_visible=True)
    assert {item["metadata"]["namespace"] for item in pages.list("ConfigMap").items} == {"shop"}
    assert pages.count("ConfigMap") == 2
    first = pages.list("ConfigMap", limit=1)
    rest = pages.list("ConfigMap", limit=1, continue_token=first.continue_token)
    assert [item["metadata"]["name"] for item in (*first.items, *rest.items)] == ["one", "two"]
    with pytest.raises(Forbidden):
        pages.list("ConfigMap", "bank")


def test_a_page_of_namespaces_shows_those_that_the_policy_names(admin):
    actions, statements = policies.rights(
        (
            {
                "Version": "1.1",
                "Statement": [{"Effect": "Allow", "Action": "CCI:*:*", "Resource": "CCI:*:*:namespace:shop"}],
            },
        )
    )
    pages = Client(Identity("acme", "eve", actions=actions, statements=statements), only_visible=True)
    assert [item["metadata"]["name"] for item in pages.list("Namespace").items] == ["shop"]
    assert {item["metadata"]["namespace"] for item in pages.list("Deployment").items} == {"shop"}
    with pytest.raises(Forbidden):
        Client(Identity("acme", "eve", actions=()), only_visible=True).list("Namespace")


def test_the_namespace_itself_is_seen_by_policy_and_changed_by_role(helper):
    assert helper.get("Namespace", "bank")["metadata"]["name"] == "bank"
    assert len(helper.list("Namespace").items) == 2
    with pytest.raises(Forbidden, match='cannot delete resource "namespaces"'):
        helper.delete("Namespace", "bank")


def test_a_change_of_roles_is_seen_at_once_by_who_made_it(admin, helper):
    admin.create("RoleBinding", binding("viewers", "view", person("bob")), "bank")
    assert may(helper, "list", "Pod")
    admin.delete("RoleBinding", "viewers", "bank")
    assert not may(helper, "list", "Pod")


def test_what_another_process_wrote_is_seen_within_two_seconds(admin, helper, monkeypatch):
    assert not may(helper, "list", "Pod")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(rbac, "forget", lambda account: None)
        admin.create("RoleBinding", binding("viewers", "view", person("bob")), "bank")
    assert not may(helper, "list", "Pod")
    later = rbac.time.monotonic() + 2
    monkeypatch.setattr(rbac.time, "monotonic", lambda: later)
    assert may(helper, "list", "Pod")


def test_a_service_account_has_roles_alone_everywhere(admin, robot):
    with pytest.raises(Forbidden, match='User "system:serviceaccount:bank:robot" cannot get resource "secrets"'):
        robot.get("Secret", "key", "shop")
    admin.create("RoleBinding", binding("robots", "edit", A_ROBOT), "shop")
    assert robot.get("Secret", "key", "shop")["metadata"]["name"] == "key"
    assert not may(robot, "get", "Secret", "bank")
    assert not may(robot, "list", "Pod", None)


def test_groups_of_service_accounts_are_groups(admin, robot):
    group = {"kind": "Group", "name": "system:serviceaccounts:bank", "apiGroup": RBAC}
    admin.create("RoleBinding", binding("robots", "view", group), "shop")
    assert may(robot, "list", "Pod", "shop")


def test_a_cluster_role_binding_reaches_every_namespace_of_the_account(admin, robot, charlie):
    admin.create("ClusterRoleBinding", binding("robots", "view", A_ROBOT))
    assert len(robot.list("ConfigMap").items) == 4 and robot.list("Namespace").items
    assert Client(charlie).list("ConfigMap").items == []
    with pytest.raises(NotFound):
        Client(charlie).get("ClusterRoleBinding", "robots")


def test_a_role_of_another_account_gives_nothing(admin, charlie):
    theirs = service_account("other")
    admin.create("ClusterRoleBinding", binding("robots", "cluster-admin", A_ROBOT))
    assert not may(Client(theirs), "get", "Secret")


def test_names_and_subresources_count(admin, robot):
    admin.create("Role", role("scaler", ("get update patch", "apps", "deployments/scale"), names=("web",)), "bank")
    admin.create("Role", role("one", ("get list watch", "", "configmaps"), names=("one",)), "bank")
    for name in ("scaler", "one"):
        admin.create("RoleBinding", binding(name, name, A_ROBOT, kind="Role"), "bank")

    robot.patch("Deployment", "web", {"spec": {"replicas": 3}}, MERGE, "bank", subresource="scale")
    assert robot.get_scale("Deployment", "web", "bank")["spec"]["replicas"] == 3
    with pytest.raises(Forbidden, match="cci:deployment:get"):
        robot.get("Deployment", "web", "bank")
    assert robot.get("ConfigMap", "one", "bank")["metadata"]["name"] == "one"
    assert [item["metadata"]["name"] for item in _listed(robot, "metadata.name=one")] == ["one"]
    for selector in ("", "metadata.name=two", "metadata.name!=one"):
        with pytest.raises(Forbidden):
            _listed(robot, selector)


def _listed(client: Client, field_selector: str) -> list[dict[str, Any]]:
    return client.list("ConfigMap", "bank", field_selector=field_selector).items


@pytest.mark.parametrize("verb", ["update", "patch", "delete", "deletecollection"])
def test_each_writing_verb_is_a_right_of_its_own(admin, robot, verb):
    calls = {
        "update": lambda: robot.update("ConfigMap", "one", {"metadata": {"name": "one"}, "data": {"a": "b"}}, "bank"),
        "patch": lambda: robot.patch("ConfigMap", "one", {"data": {"a": "b"}}, MERGE, "bank"),
        "delete": lambda: robot.delete("ConfigMap", "one", "bank"),
        "deletecollection": lambda: robot.delete_collection("ConfigMap", "bank"),
    }
    admin.create("Role", role("one-verb", (verb, "", "configmaps")), "bank")
    admin.create("RoleBinding", binding("one-verb", "one-verb", A_ROBOT, kind="Role"), "bank")
    for other in calls.keys() - {verb}:
        with pytest.raises(Forbidden):
            calls[other]()
    calls[verb]()


def test_a_binding_without_its_role_gives_nothing_until_the_role_is_there(admin, robot):
    admin.create("RoleBinding", binding("later", "later", A_ROBOT, kind="Role"), "bank")
    assert not may(robot, "list", "Pod")
    admin.create("Role", role("later", ("list", "", "pods")), "bank")
    assert may(robot, "list", "Pod")


def test_the_roles_of_every_account_can_be_read_and_not_written(admin, helper):
    assert [item["metadata"]["name"] for item in helper.list("ClusterRole").items] == [
        "admin",
        "cluster-admin",
        "edit",
        "view",
    ]
    with pytest.raises(MethodNotAllowed):
        admin.delete("ClusterRole", "view")
    assert not may(admin, "delete", "ClusterRole", None)


def test_who_makes_a_namespace_with_roles_has_one_in_it(helper, robot):
    helper.create("Namespace", switched("vault"))
    assert helper.create("ConfigMap", {"metadata": {"name": "three"}}, "vault").created
    helper.create("RoleBinding", binding("robots", "cluster-admin", A_ROBOT), "vault")
    assert may(robot, "get", "Secret", "vault")
    helper.delete("RoleBinding", "namespace-creator", "vault")
    assert not may(helper, "list", "ConfigMap", "vault")


# Nobody gives away what they do not have


@pytest.fixture
def boss(admin: Client, helper: Client) -> Client:
    """bob, made admin of `bank`."""
    admin.create("RoleBinding", binding("boss", "admin", person("bob")), "bank")
    return helper


def test_an_admin_of_a_namespace_gives_what_they_have(boss, robot):
    boss.create("Role", role("readers", ("get", "", "configmaps")), "bank")
    boss.create("RoleBinding", binding("robots", "edit", A_ROBOT), "bank")
    assert may(robot, "delete", "ConfigMap")


def test_an_admin_of_a_namespace_gives_nothing_more(boss):
    with pytest.raises(Refused) as refused:
        boss.create("Role", role("more", ("get update", "", "pods resourcequotas")), "bank")
    assert refused.value.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "bob" (groups=["system:authenticated" "devs"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["resourcequotas"], Verbs:["update"]}'
    )
    with pytest.raises(Refused, match="not currently held"):
        boss.create("RoleBinding", binding("robots", "cluster-admin", A_ROBOT), "bank")
    with pytest.raises(Refused, match="not currently held"):
        boss.create("Role", role("all", ("*", "*", "*")), "bank")


def test_a_role_is_not_widened_by_a_patch(boss):
    boss.create("Role", role("readers", ("get", "", "configmaps")), "bank")
    wider = role("readers", ("*", "*", "*"))["rules"]
    with pytest.raises(Refused, match="not currently held"):
        boss.patch("Role", "readers", {"rules": wider}, MERGE, "bank")
    boss.patch("Role", "readers", {"metadata": {"labels": {"a": "b"}}}, MERGE, "bank")


def test_what_the_policy_denies_is_not_given_away_either(admin):
    actions, statements = policies.rights(
        (
            SYSTEM["CCI FullAccess"].document,
            {"Version": "1.1", "Statement": [{"Effect": "Deny", "Action": ["CCI:secret:*"]}]},
        )
    )
    eve = Client(Identity("acme", "eve", groups=(identities.AUTHENTICATED,), actions=actions, statements=statements))
    eve.create("RoleBinding", binding("viewers", "view", A_ROBOT), "shop")
    for too_much in ("edit", "cluster-admin"):
        with pytest.raises(Refused, match="not currently held"):
            eve.create("RoleBinding", binding("robots", too_much, A_ROBOT), "shop")


def test_a_policy_for_everything_gives_everything_where_there_are_no_roles(helper, robot):
    helper.create("RoleBinding", binding("robots", "cluster-admin", A_ROBOT), "shop")
    assert may(robot, "delete", "Secret", "shop")


def test_nobody_walks_around_roles_by_a_binding_of_the_whole_account(helper):
    with pytest.raises(Forbidden, match="cci:clusterrolebinding:create"):
        helper.create("ClusterRoleBinding", binding("me", "cluster-admin", person("bob")))


def test_a_binding_to_a_role_that_is_not_there_is_made_by_masters_alone(admin, boss):
    with pytest.raises(NotFound, match=r'roles\.rbac\.authorization\.k8s\.io "none" not found'):
        boss.create("RoleBinding", binding("later", "none", A_ROBOT, kind="Role"), "bank")


def test_common_operations_write_no_roles(admin):
    actions, _ = policies.rights((SYSTEM[COMMON_OPERATIONS].document,))
    worker = Client(Identity("acme", "eve", actions=actions))
    with pytest.raises(Forbidden, match="cci:role:create"):
        worker.create("Role", role("readers", ("get", "", "configmaps")), "shop")
    assert worker.create("ConfigMap", {"metadata": {"name": "three"}}, "shop").created


def test_a_policy_of_some_namespaces_reaches_no_further(admin):
    actions, statements = policies.rights(
        (
            {
                "Version": "1.1",
                "Statement": [
                    {"Effect": "Allow", "Action": ["CCI:*:*"], "Resource": ["CCI:*:*:namespace:shop*"]},
                ],
            },
        )
    )
    eve = Client(Identity("acme", "eve", actions=actions, statements=statements))
    assert eve.get("Secret", "key", "shop") and eve.get("Namespace", "shop")
    assert eve.create("Namespace", manifests.namespace("shop-2")).created
    for refused in (
        lambda: eve.get("Secret", "key", "bank"),
        lambda: eve.list("Secret"),
        lambda: eve.list("Namespace"),
        lambda: eve.create("Namespace", manifests.namespace("other")),
        lambda: eve.create("ConfigMap", {"metadata": {"name": "x", "namespace": "bank"}}),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_rights_are_asked_for_in_an_event_loop_too(transactional_db, admin, helper):
    async def asked() -> bool:
        refusal = authorize.verdict(helper.identity, registry.kind("Pod"), "list", namespace="bank")
        return refusal is None

    rbac.forget_all()
    assert asyncio.run(asked()) is False
