"""The trail: complete, sealed, and its account's alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from iam import audit, logins, people, tokens, trails
from iam.audit import Target
from iam.errors import NotAdministrator
from iam.identities import Identity
from iam.models import Account, AuditEntry, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Identity:
    return Identity("acme", "alice", actions=("*:*:*",))


@pytest.fixture
def charlie() -> Identity:
    return Identity("other", "charlie", actions=("*:*:*",))


def wrote(who: Identity, *names: str) -> None:
    for name in names:
        audit.record(who, "cci:pod:create", Target("Pod", name, "shop"), changes=[{"path": "spec.x", "after": 1}])


def test_a_trail_that_nobody_touched_is_whole(alice: Identity) -> None:
    wrote(alice, "one", "two", "three")

    verdict = audit.verify("acme")

    assert (verdict.entries, verdict.is_whole) == (3, True)
    assert verdict.head == AuditEntry.objects.latest("id").digest


@pytest.mark.parametrize("field", ["user", "address", "action", "name", "outcome", "message", "changes", "at"])
def test_a_changed_entry_breaks_the_chain(alice: Identity, field: str) -> None:
    wrote(alice, "one", "two", "three")
    second = AuditEntry.objects.get(name="two")
    value = {"changes": [], "at": timezone.now()}.get(field, "forged")
    AuditEntry.objects.filter(pk=second.pk).update(**{field: value})

    assert audit.verify("acme").broken_at == second.pk


def test_a_missing_entry_breaks_the_chain(alice: Identity) -> None:
    wrote(alice, "one", "two", "three")
    AuditEntry.objects.get(name="two").delete()

    assert audit.verify("acme").broken_at == AuditEntry.objects.get(name="three").pk


def test_each_account_has_a_chain_of_its_own(alice: Identity, charlie: Identity) -> None:
    wrote(alice, "one")
    wrote(charlie, "two")
    wrote(alice, "three")

    assert audit.verify("acme").entries == 2
    assert [entry.name for entry in trails.search(charlie)] == ["two"]


def test_what_is_left_after_forgetting_is_whole(alice: Identity) -> None:
    wrote(alice, "old", "older", "new")
    assert audit.trim(AuditEntry.objects.get(name="new").at) == 2

    assert audit.verify("acme").is_whole
    assert [entry.name for entry in trails.search(alice)] == ["new"]


def test_forgetting_everything_old_keeps_the_newest(alice: Identity) -> None:
    wrote(alice, "one", "two")
    audit.trim(timezone.now() + timedelta(days=1))
    wrote(alice, "three")

    assert audit.verify("acme").is_whole
    assert {entry.name for entry in trails.search(alice)} >= {"two", "three"}


def test_it_is_searched_by_words_outcome_and_person(alice: Identity, bob: Identity) -> None:
    wrote(alice, "web-1", "db-1")
    audit.record(bob, "cci:namespace:create", Target("Namespace", "web"), outcome="denied")

    assert [entry.name for entry in trails.search(alice, text="web create")] == ["web", "web-1"]
    assert [entry.name for entry in trails.search(alice, outcome="denied")] == ["web"]
    assert [entry.name for entry in trails.search(alice, user="bob")] == ["web"]


def test_a_long_change_is_cut_and_says_so(alice: Identity) -> None:
    changes = audit.difference({}, {f"key{number}": "x" * 1000 for number in range(100)})
    audit.record(alice, "cci:configmap:create", Target("ConfigMap", "big"), changes=changes)

    kept = AuditEntry.objects.get().changes
    assert len(kept) < 40
    assert "more changes, too long to keep" in kept[-1]["path"]


def test_a_difference_names_each_leaf() -> None:
    before = {"spec": {"replicas": 1, "list": [1, 2], "gone": True}}
    after = {"spec": {"replicas": 3, "list": [1], "new": "x"}}

    assert audit.difference(before, after) == [
        {"path": "spec.replicas", "before": 1, "after": 3},
        {"path": "spec.list[1]", "before": 2},
        {"path": "spec.gone", "before": True},
        {"path": "spec.new", "after": "x"},
    ]


def test_what_happens_to_people_is_told_without_their_passwords(alice: Identity) -> None:
    Account.objects.create(name="acme")
    people.create_user(alice, "carol", password="correct-horse", policies=["CCI ReadOnlyAccess"])

    entry = AuditEntry.objects.get(kind="User")
    assert (entry.action, entry.name, entry.outcome) == ("iam:user:create", "carol", "done")
    assert "correct-horse" not in str(entry.changes)
    assert "CCI ReadOnlyAccess" in str(entry.changes)


def test_who_may_not_manage_people_is_in_the_trail_for_trying(bob: Identity) -> None:
    reader = Identity("acme", "bob", actions=("cci:*:get",))
    with pytest.raises(NotAdministrator):
        people.create_user(reader, "mallory", password="long enough")

    assert AuditEntry.objects.get().outcome == "denied"


def test_a_nul_and_a_long_name_hold_up_no_write() -> None:
    robot = Identity("acme", f"system:serviceaccount:{'n' * 63}:{'a' * 253}")
    changes = [{"path": "data.x", "after": "a\0b"}]
    audit.record(robot, "cci:pod:get", Target("Pod", "no\0body"), message="\0", changes=changes)

    entry = AuditEntry.objects.get()
    assert (len(entry.user), entry.name, entry.changes[0]["after"]) == (200, "no\ufffdbody", "a\ufffdb")
    assert audit.verify("acme").is_whole


def test_revoking_all_tokens_is_told_once() -> None:
    alice = User.objects.create_user(Account.objects.create(name="acme"), "alice", "right password")
    for _ in range(3):
        tokens.issue(alice)
    tokens.revoke_all(alice)
    tokens.revoke_all(alice)

    told = AuditEntry.objects.filter(action="iam:token:delete").values_list("message", flat=True)
    assert list(told) == ["all 3"]


def test_signing_in_and_failing_to_is_told() -> None:
    User.objects.create_user(Account.objects.create(name="acme"), "alice", "right password")
    with pytest.raises(logins.WrongLogin):
        logins.check("acme", "alice", "wrong", address="192.0.2.1")
    logins.check("acme", "alice", "right password", address="192.0.2.1")

    told = [(entry.outcome, entry.address) for entry in AuditEntry.objects.order_by("id")]
    assert told == [("failed", "192.0.2.1"), ("done", "192.0.2.1")]
