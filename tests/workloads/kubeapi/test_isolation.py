"""Everything the API serves, called as everybody who must not: made from the same tables the routes are made from, so
that a new kind, verb or part is covered without anyone remembering."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import pytest
from django.utils import timezone

from iam import identities, people, tokens
from iam.models import Token
from tests import manifests
from tests.workloads.kubeapi.callers import MERGE, Api
from workloads.kubeapi import authentication, discovery, health, issuer, resources, reviews, routes

KNOWN_UNGUARDED = {"version", "healthz", "livez", "readyz", "metrics", "iam", "v3"}
"""What answers without a token. Whoever adds to it says here that it tells nobody anything of an account."""
TOKENS = [
    ("GET", "/iam/tokens"),
    ("GET", "/iam/tokens/current"),
    ("DELETE", "/iam/tokens"),
    ("DELETE", "/iam/tokens/x"),
]
READS = ("get", "list", "watch")
METHODS = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
METHODS |= {"watch": "GET", "deletecollection": "DELETE"}
MARK = "of-acme-alone"
ANYBODYS = {(group, plural) for group, plural in reviews.served() if plural.startswith("selfsubject")}
"""What everybody may ask, about themselves."""
STREAMS = ("exec", "attach", "portforward")


class Operation(NamedTuple):
    verb: str
    method: str
    path: str
    resource: discovery.Resource
    part: str = ""

    @property
    def is_read(self) -> bool:
        return self.verb in READS and self.part not in STREAMS


def _operations() -> Iterator[Operation]:
    for one in discovery.resources():
        root = f"/apis/{one.group}/{one.version}" if one.group else f"/api/{one.version}"
        place = f"{root}/namespaces/shop/{one.plural}" if one.namespaced else f"{root}/{one.plural}"
        name = "shop" if one.kind == "Namespace" else "lonely"
        for verb in one.verbs:
            path = place if verb in ("list", "watch", "create", "deletecollection") else f"{place}/{name}"
            yield Operation(verb, METHODS[verb], f"{path}?watch=1" if verb == "watch" else path, one)
        for part in one.parts:
            for verb in part.verbs:
                yield Operation(verb, METHODS[verb], f"{place}/{name}/{part.name}", one, part.name)


OPERATIONS = [one for one in _operations() if (one.resource.group, one.resource.plural) not in ANYBODYS]
DOCUMENTS = ["/", "/api", "/apis", "/api/v1", "/apis/apps/v1", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1"]


def _ask(api: Api, one: Operation) -> tuple[int, bytes]:
    headers = {"Content-Type": MERGE} if one.method == "PATCH" else {"Content-Type": "application/json"}
    body = None if one.method == "GET" else orjson.dumps(_body(one))
    with api.stream(one.method, one.path, headers=headers, content=body) as answer:
        if answer.status_code == 200 and "watch=1" in one.path:
            return 200, b""
        return answer.status_code, answer.read()


def _body(one: Operation) -> dict[str, Any]:
    if "delete" in one.verb:
        return {}
    asked = {"namespace": "shop", "verb": "get", "resource": "pods"}
    spec = {"user": "alice", "token": "x", "resourceAttributes": asked} if _is_review(one) else {}
    return {"metadata": {"name": "lonely"}, "spec": spec}


def _is_review(one: Operation) -> bool:
    return one.resource.kind.endswith("Review")


def _answers(api: Api, operations: list[Operation] = OPERATIONS) -> Iterator[tuple[Operation, int, bytes]]:
    for one in operations:
        yield one, *_ask(api, one)


@pytest.fixture
def mall(api: Api, shop: str) -> None:
    """What there is to be seen in alice's namespace."""
    made = {
        "/api/v1/namespaces/shop/pods": manifests.pod("lonely"),
        "/apis/apps/v1/namespaces/shop/deployments": manifests.deployment("lonely"),
        "/apis/batch/v1/namespaces/shop/jobs": manifests.job("lonely"),
        "/apis/batch/v1/namespaces/shop/cronjobs": manifests.cronjob("lonely"),
        "/api/v1/namespaces/shop/services": manifests.service("lonely"),
        "/api/v1/namespaces/shop/persistentvolumeclaims": manifests.claim("lonely"),
        "/api/v1/namespaces/shop/serviceaccounts": {"metadata": {"name": "lonely"}},
        "/api/v1/namespaces/shop/configmaps": {"metadata": {"name": "lonely"}, "data": {"a": "b"}},
        "/api/v1/namespaces/shop/secrets": {"metadata": {"name": "lonely"}, "stringData": {"a": "b"}},
    }
    for path, manifest in made.items():
        manifest["metadata"]["labels"] = {"mark": MARK}
        api.make(path, manifest)


def test_only_what_is_named_answers_without_a_token() -> None:
    assert set(routes.UNGUARDED) == KNOWN_UNGUARDED


def test_every_verb_and_part_that_is_served_is_called() -> None:
    """What the verbs' own tables have, and discovery does not say, would not be called here."""
    said = {(one.method, one.part) for one in OPERATIONS if one.part}
    served = {(method, part) for part, table in resources._ON_SUBRESOURCE.items() for method in table}
    assert served == said
    plain = {one.verb for one in OPERATIONS if not one.part}
    tables = (resources._ON_COLLECTION, resources._ON_OBJECT)
    assert {name for table in tables for name, _ in table.values()} | {"watch"} == plain


def test_charlie_sees_and_changes_nothing_of_another_account(mall: None, other_api: Api) -> None:
    wrong = []
    for one, code, content in _answers(other_api):
        own = one.verb in (*READS, "deletecollection") or not one.resource.namespaced or _is_review(one)
        if MARK.encode() in content or not (400 <= code < 500 or code == 501 or (own and code < 300)):
            wrong.append((one.verb, one.path, code, content[:200]))
    assert wrong == []


def test_nothing_of_an_account_is_changed_by_charlies_calls(mall: None, api: Api, other_api: Api) -> None:
    paths = [one.path for one in OPERATIONS if one.verb == "list" and "metrics" not in one.path]
    before = [api.read(path)["items"] for path in paths]
    for _ in _answers(other_api, [one for one in OPERATIONS if not one.is_read]):
        pass
    assert [api.read(path)["items"] for path in paths] == before


def test_who_may_only_read_is_told_the_action_that_is_missing(mall: None, call_as, alice_user) -> None:
    admin = identities.identity_of(alice_user)
    reader = call_as(people.create_user(admin, "rita", password="long enough", policies=["CCI ReadOnlyAccess"]))
    wrong = []
    for one, code, content in _answers(reader, [one for one in OPERATIONS if not one.is_read]):
        told = code == 403 and b"require cci:" in content
        if not (told or code in (405, 501)):
            wrong.append((one.verb, one.path, code, content[:200]))
    assert wrong == []


def test_a_service_account_without_a_role_may_nothing(mall: None, api: Api) -> None:
    made = api.make("/api/v1/namespaces/shop/serviceaccounts/lonely/token", {"spec": {}})
    api.headers["Authorization"] = f"Bearer {made['status']['token']}"
    wrong = [(one.verb, one.path, code) for one, code, _ in _answers(api) if code not in (403, 405, 501)]
    assert wrong == []


@pytest.mark.parametrize("how", ["without", "unknown", "expired", "revoked"])
def test_without_a_living_token_everything_is_unauthorized(mall: None, api: Api, how: str) -> None:
    if how == "without":
        del api.headers["Authorization"]
    elif how == "unknown":
        api.headers["Authorization"] = "Bearer cci-made-up"
    elif how == "expired":
        Token.objects.update(expires=timezone.now() - timedelta(seconds=1))
    else:
        tokens.revoke(api.headers["Authorization"].removeprefix("Bearer "))
    authentication.forget()
    asked = [(one.method, one.path) for one in _operations()] + [("GET", path) for path in _documents()] + TOKENS
    wrong = [(method, path) for method, path in asked if api.request(method, path).status_code != 401]
    assert wrong == []


def _documents() -> list[str]:
    groups = [
        f"/apis/{group}/{one}" for group, versions in discovery.group_versions().items() if group for one in versions
    ]
    return [*DOCUMENTS, *groups, *("/" + "/".join(place) for place in issuer.PLACES), "/nothing", "/apis/nothing/v1/x"]


def test_what_is_public_says_nothing_of_an_account(mall: None, api: Api) -> None:
    del api.headers["Authorization"]
    for path in (*health.paths(), "/version", "/iam", "/iam/ca"):
        answer = api.get(path)
        assert answer.status_code in (200, 500, 503), path
        assert MARK not in answer.text and "acme" not in answer.text, path
    assert api.get("/metrics").status_code in (401, 403)
