"""What is open when its caller's rights end does not outlive them for long."""

from __future__ import annotations

import pytest

from iam import identities, people, tokens
from tests import manifests
from tests.workloads.kubeapi import test_podlogs, test_streaming
from tests.workloads.kubeapi.test_podlogs import LOG
from workloads.kubeapi import authentication, vigils

agent, running_pod = test_podlogs.agent, test_podlogs.running_pod
runtime, pod, core = test_streaming.runtime, test_streaming.pod, test_streaming.core
PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(vigils, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(authentication, "_HOLDS", 0.05)


@pytest.fixture
def bob_user(api, alice_user):
    admin = identities.identity_of(alice_user)
    return people.create_user(admin, "bob", password="long enough", policies=["CCI FullAccess"])


def test_a_watch_of_a_revoked_token_ends_with_the_error(api, shop, alice_user):
    with api.watch(PODS, timeoutSeconds="20") as events:
        api.make(PODS, manifests.pod("one"))
        next(events)
        tokens.revoke_all(alice_user)
        assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 401)]


def test_a_watch_of_a_locked_user_ends_and_others_go_on(api, shop, alice_user, bob_user, call_as):
    bob = call_as(bob_user)
    with bob.watch(PODS, timeoutSeconds="20") as bobs, api.watch(PODS, timeoutSeconds="20") as alices:
        people.set_active(identities.identity_of(alice_user), "bob", active=False)
        assert [event["object"]["code"] for event in bobs] == [401]
        api.make(PODS, manifests.pod("one"))
        assert next(alices)["type"] == "ADDED"


def test_a_watch_ends_when_the_right_to_it_is_taken(api, shop, alice_user, bob_user, call_as):
    bob, admin = call_as(bob_user), identities.identity_of(alice_user)
    with bob.watch(PODS, timeoutSeconds="20") as events:
        people.detach(admin, "CCI FullAccess", user="bob")
        (event,) = events
    assert (event["object"]["code"], event["object"]["reason"]) == (403, "Forbidden")
    assert "cci:pod:list" in event["object"]["message"]


def test_a_followed_log_of_a_revoked_token_ends(api, agent, running_pod, alice_user):
    with api.stream("GET", LOG, params={"follow": "true"}) as answer:
        tokens.revoke_all(alice_user)
        assert b"".join(answer.iter_raw()) == b"one\ntwo\n"
    assert agent.hung_up.wait(5)


def test_a_command_of_a_revoked_token_is_told_why_it_ends(core, pod, alice_user):
    answer = test_streaming.run(core, "cat", stdin=True)
    tokens.revoke_all(alice_user)
    test_streaming.to_its_end(answer)
    assert "was revoked" in answer.read_channel(3)
