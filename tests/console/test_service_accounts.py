"""ServiceAccounts: the list, one of them with its roles and pods, the form that makes one, and deletion."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from iam import people
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.scenes import person
from workloads.client import JSON
from workloads.meta.errors import NotFound

PAGE = "/namespaces/shop/serviceaccounts/web/"
FORM = {"go": "submit", "namespace": "shop", "name": "robot", "mounts": "1", "pull": ""}
LOGIN = "kubernetes.io/dockerconfigjson"


def text(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def robot(shop: None) -> None:
    """`web` may look, by a RoleBinding of its own and by one for all ServiceAccounts of shop; a pod runs under it."""
    account = {"kind": "ServiceAccount", "name": "web", "namespace": "shop"}
    group = {"kind": "Group", "name": "system:serviceaccounts:shop"}
    for name, role, subject in (("looks", "view", account), ("works", "edit", group)):
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        person().create("RoleBinding", {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]}, "shop")
    scenes.pod("worker", serviceAccountName="web")


def test_the_list_says_which_roles_each_has(robot: None, browser: Browser) -> None:
    for url in ("/serviceaccounts/", "/namespaces/shop/serviceaccounts/"):
        assert "view, edit" in text(browser, url)


def test_one_without_a_role_may_do_nothing(shop: None, browser: Browser) -> None:
    assert "none: it may do nothing" in text(browser, "/serviceaccounts/")
    assert "Nothing: it has no role." in text(browser, PAGE)


def test_its_page_shows_what_it_may_its_pods_and_how_to_be_it(robot: None, browser: Browser) -> None:
    shown = text(browser, PAGE)
    for words in ("Reads what is in the namespace", "works", "/pods/worker/", "kubectl -n shop create token web"):
        assert words in shown
    assert "/access/add/?kind=ServiceAccount&amp;name=web" in shown or "kind=ServiceAccount&name=web" in shown
    assert PAGE in text(browser, "/search/?q=web")


def test_the_form_makes_one(shop: None, browser: Browser) -> None:
    scenes.secret("hub", {".dockerconfigjson": '{"auths": {}}'}, type=LOGIN)
    assert "hub" in text(browser, "/create/serviceaccount/?namespace=shop")
    answer = browser.post("/create/serviceaccount/", FORM | {"pull": "hub", "mounts": ""})
    assert answer.headers["Location"] == "/namespaces/shop/serviceaccounts/robot/"
    made = person().get("ServiceAccount", "robot", "shop")
    assert made["imagePullSecrets"] == [{"name": "hub"}] and made["automountServiceAccountToken"] is False


def test_who_may_not_read_secrets_is_told_why_no_login_is_offered_and_may_type_one(shop: None) -> None:
    acts = [f"cci:serviceaccount:{verb}" for verb in ("create", "get", "list")] + ["cci:namespace:list"]
    document = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": acts}]}
    admin = identity_of(scenes.user())
    people.create_policy(admin, "names robots", document=document)
    people.create_user(admin, "rob", password="battery staple", policies=["names robots"])
    rob, page = signed_in("acme", "rob"), "/create/serviceaccount/?namespace=shop"
    assert "You may not read Secrets here" in text(rob, page)
    assert rob.post(page, FORM | {"pull": "hub"}).status_code == 302
    assert person().get("ServiceAccount", "robot", "shop")["imagePullSecrets"] == [{"name": "hub"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"name": "No"}, "lower case"),
        ({"name": "web"}, "has a ServiceAccount of this name already"),
    ],
)
def test_a_refusal_stands_at_its_field(shop: None, browser: Browser, change: JSON, words: str) -> None:
    answer = browser.post("/create/serviceaccount/", FORM | change)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_deletion_asks_for_the_name_and_says_who_runs_under_it(robot: None, browser: Browser) -> None:
    shown = text(browser, f"{PAGE}delete/")
    assert "1 pod runs under it, and goes on: worker" in shown and "(view, edit)" in shown
    assert browser.post(f"{PAGE}delete/", {"word": ""}).status_code == 422
    assert browser.post(f"{PAGE}delete/", {"word": "web"}).status_code == 302
    with pytest.raises(NotFound):
        person().get("ServiceAccount", "web", "shop")
