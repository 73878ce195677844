"""Managing people: alice administers acme, bob reads, charlie is of another account."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps

from iam import accesskeys, logins, people, tokens
from iam.errors import Busy, Missing, NotAdministrator, Taken, WrongFields
from iam.identities import Identity, identity_of
from iam.models import Account, Attachment, AuditEntry, User
from iam.policies import ADMINISTRATOR, FULL_ACCESS, READ_ONLY

PODS = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod:*"]}]}
PASSWORD = "battery staple"


@pytest.fixture
def alice(alice_user):
    return identity_of(alice_user)


@pytest.fixture
def bob(alice):
    return identity_of(people.create_user(alice, "bob", password=PASSWORD, policies=[READ_ONLY]))


@pytest.fixture
def charlie(db):
    return identity_of(User.objects.create_user(Account.objects.create(name="other"), "charlie", PASSWORD))


def test_a_new_user_may_do_nothing(alice):
    eve = identity_of(people.create_user(alice, "eve", password=PASSWORD))
    assert not eve.may("cci:namespace:list") and eve.groups == ("system:authenticated",)


def test_a_user_has_their_own_policies_and_those_of_their_groups(alice):
    people.create_policy(alice, "pods", document=PODS)
    people.create_group(alice, "devs", policies=["pods"])
    eve = people.create_user(alice, "eve", password=PASSWORD, groups=["devs"], policies=[READ_ONLY])

    identity = identity_of(eve)
    assert identity.groups == ("system:authenticated", "devs")
    assert identity.may("cci:pod:delete") and identity.may("cci:job:get") and not identity.may("cci:job:delete")
    assert people.effective(alice, "eve").policies == (READ_ONLY, "pods")


def test_administrators_are_masters(alice):
    assert "system:masters" in alice.groups and alice.is_administrator


def test_attach_and_detach_change_what_a_user_may(alice, bob):
    people.attach(alice, FULL_ACCESS, user="bob")
    assert identity_of(people.user(alice, "bob")).may("cci:pod:delete")
    people.detach(alice, FULL_ACCESS, user="bob")
    assert not identity_of(people.user(alice, "bob")).may("cci:pod:delete")


def test_who_is_no_administrator_changes_nobody(alice, bob):
    with pytest.raises(NotAdministrator, match="require iam:user:create"):
        people.create_user(bob, "eve", password=PASSWORD)
    with pytest.raises(NotAdministrator, match="require iam:policy:update"):
        people.attach(bob, ADMINISTRATOR, user="bob")
    with pytest.raises(NotAdministrator, match="require iam:user:list"):
        people.users(bob)


def test_a_part_of_iam_does_not_make_an_administrator(alice, bob):
    document = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["IAM:policy:*", "IAM:*:list"]}]}
    people.create_policy(alice, "auditors", document=document)
    people.attach(alice, "auditors", user="bob")

    auditor = identity_of(people.user(alice, "bob"))
    assert [user.name for user in people.users(auditor)] == ["alice", "bob"]
    with pytest.raises(NotAdministrator):
        people.attach(auditor, ADMINISTRATOR, user="bob")


def test_nothing_of_another_account_is_seen_or_changed(alice, bob, charlie):
    people.create_group(alice, "devs")
    assert [user.name for user in people.users(charlie)] == ["charlie"]
    assert people.groups(charlie) == []
    with pytest.raises(Missing, match='user "bob" not found'):
        people.attach(charlie, FULL_ACCESS, user="bob")
    with pytest.raises(Missing, match='group "devs" not found'):
        people.delete_group(charlie, "devs")
    with pytest.raises(Missing):
        people.delete_user(charlie, "bob")


@pytest.mark.parametrize("name", ["", "system:masters", "a/b", "-x", "x" * 65, "with space", "ü"])
def test_a_name_that_could_be_mistaken_is_refused(alice, name):
    with pytest.raises(WrongFields) as wrong:
        people.create_user(alice, name, password=PASSWORD)
    assert list(wrong.value.fields) == ["name"]
    with pytest.raises(WrongFields):
        people.create_group(alice, name)


def test_all_that_is_wrong_is_said_at_once(alice):
    with pytest.raises(WrongFields) as wrong:
        people.create_user(alice, "", password="short", groups=["nobody"], policies=["nothing"])
    assert list(wrong.value.fields) == ["name", "password", "groups", "policies"]


def test_names_are_taken_once(alice, bob):
    people.create_group(alice, "devs")
    people.create_policy(alice, "pods", document=PODS)
    for again in (
        lambda: people.create_user(alice, "bob", password=PASSWORD),
        lambda: people.create_group(alice, "devs"),
        lambda: people.create_policy(alice, "pods", document=PODS),
        lambda: people.create_policy(alice, READ_ONLY, document=PODS),
    ):
        with pytest.raises(Taken):
            again()


def test_the_last_administrator_stays_one(alice):
    people.create_user(alice, "bob", password=PASSWORD)
    with pytest.raises(Busy, match="without an administrator"):
        people.detach(alice, ADMINISTRATOR, user="alice")
    with pytest.raises(Busy, match="without an administrator"):
        people.set_active(alice, "alice", active=False)
    assert people.attached_to(people.user(alice, "alice")) == [ADMINISTRATOR]
    assert people.user(alice, "alice").is_active


def test_with_another_administrator_one_may_go(alice):
    people.create_user(alice, "bob", password=PASSWORD, policies=[ADMINISTRATOR])
    people.detach(alice, ADMINISTRATOR, user="alice")
    assert not identity_of(people.user(alice, "alice")).is_administrator


def test_nobody_deletes_themselves(alice):
    people.create_user(alice, "bob", password=PASSWORD, policies=[ADMINISTRATOR])
    with pytest.raises(Busy, match="cannot delete yourself"):
        people.delete_user(alice, "alice")


def test_a_deleted_or_locked_user_has_no_tokens(alice, bob):
    issued = tokens.issue(people.user(alice, "bob")).token
    people.set_active(alice, "bob", active=False)
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued)
    people.delete_user(alice, "bob")
    assert not User.objects.filter(name="bob").exists()


def test_another_password_revokes_the_tokens(alice, bob):
    issued = tokens.issue(people.user(alice, "bob")).token
    people.set_password(alice, "bob", password="another one")
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued)
    assert people.user(alice, "bob").check_password("another one")


def test_a_policy_in_use_is_not_deleted(alice, bob):
    people.create_policy(alice, "pods", document=PODS)
    people.attach(alice, "pods", user="bob")
    with pytest.raises(Busy, match="attached to bob: detach it first"):
        people.delete_policy(alice, "pods")
    people.detach(alice, "pods", user="bob")
    people.delete_policy(alice, "pods")
    assert people.custom_policies(alice) == []


def test_a_system_policy_is_nobodys_to_change(alice):
    with pytest.raises(Busy, match="belongs to the service"):
        people.change_policy(alice, READ_ONLY, document=PODS)


def test_a_changed_policy_is_in_force(alice, bob):
    people.create_policy(alice, "pods", document=PODS)
    people.attach(alice, "pods", user="bob")
    denied = {"Version": "1.1", "Statement": [{"Effect": "Deny", "Action": ["CCI:pod:*"]}]}
    people.change_policy(alice, "pods", document=denied)
    assert not identity_of(people.user(alice, "bob")).may("cci:pod:get")


def test_a_group_that_goes_takes_its_policies_along(alice, bob):
    people.create_group(alice, "devs", policies=[FULL_ACCESS])
    people.add_member(alice, "devs", "bob")
    assert identity_of(people.user(alice, "bob")).may("cci:pod:delete")
    people.delete_group(alice, "devs")
    assert not identity_of(people.user(alice, "bob")).may("cci:pod:delete")


@pytest.mark.parametrize("ask", [people.user, people.group, people.policy, people.delete_user, people.delete_group])
def test_a_name_with_a_nul_is_nobodys(alice, ask):
    with pytest.raises(Missing):
        ask(alice, "b\0b")


def test_a_nul_is_refused_at_its_field(alice):
    with pytest.raises(WrongFields) as refused:
        people.create_group(alice, "devs", description="a\0b", policies=["a\0b"])
    assert set(refused.value.fields) == {"description", "policies"}


def test_wrong_passwords_are_forgiven_from_wherever_they_came(alice, bob):
    for address in ("192.0.2.1", "192.0.2.2"):
        for _try in range(logins.FREE_TRIES):
            with pytest.raises(logins.WrongLogin):
                logins.check("acme", "bob", "wrong", address=address)
    assert set(logins.waiting("acme", ["alice", "bob"])) == {"bob"}
    people.unlock(alice, "bob")
    assert not logins.waiting("acme", ["bob"]) and logins.check("acme", "bob", PASSWORD, address="192.0.2.1")


def test_what_an_administrator_does_to_a_key_is_told_of_the_administrator(alice, bob):
    ak = accesskeys.create(people.user(alice, "bob")).ak
    people.disable_key(alice, "bob", ak)
    assert not accesskeys.listed(people.user(alice, "bob"))[0].active
    entry = AuditEntry.objects.filter(kind="AccessKey", message="disabled").get()
    assert (entry.user, entry.name) == ("alice", ak)


def test_a_service_account_manages_nobody(alice):
    robot = Identity("acme", "system:serviceaccount:shop:robot", actions=("iam:*:*",))
    with pytest.raises(NotAdministrator):
        people.users(robot)


def test_whoever_was_there_before_policies_stays_an_administrator(alice_user):
    Attachment.objects.all().delete()
    migration = importlib.import_module("iam.migrations.0006_existing_users_keep_everything")
    migration.attach(apps, None)
    assert identity_of(alice_user).is_administrator
