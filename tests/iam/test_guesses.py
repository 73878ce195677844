"""Many at once are no way around a rule: not the free tries, not the nonce, not two active keys."""

from __future__ import annotations

import pytest

from iam import accesskeys, logins, signatures
from iam.authenticator import signing
from iam.models import Account, User
from tests.threads import at_once

TOGETHER = 8


@pytest.fixture
def alice_user(transactional_db, settings, tmp_path) -> User:
    settings.KEY_FILE = tmp_path / "vault.key"
    return User.objects.create_user(Account.objects.create(name="acme"), "alice", "correct horse")


def _name(action, *errors: type[Exception]) -> str:
    try:
        action()
    except errors as error:
        return type(error).__name__
    return "done"


def test_of_many_guesses_at_once_no_more_than_the_free_ones_are_looked_at(alice_user):
    def guess() -> str:
        return _name(lambda: logins.check("acme", "alice", "guess"), logins.WrongLogin, logins.TooManyTries)

    found = at_once(*[guess] * TOGETHER)
    assert sorted(found) == ["TooManyTries"] * (TOGETHER - logins.FREE_TRIES) + ["WrongLogin"] * logins.FREE_TRIES


def test_of_one_request_sent_many_times_at_once_one_is_heard(alice_user):
    made = accesskeys.create(alice_user)
    header = signing.authorization("POST", "/iam/tokens", b"", ak=made.ak, sk=made.sk)

    def send() -> str:
        return _name(lambda: signatures.check(header, method="POST", path="/iam/tokens", body=b""), signatures.Replayed)

    assert sorted(at_once(*[send] * TOGETHER)) == ["Replayed"] * (TOGETHER - 1) + ["done"]


def test_of_many_keys_made_at_once_two_are(alice_user):
    found = at_once(*[lambda: _name(lambda: accesskeys.create(alice_user), accesskeys.FieldError)] * TOGETHER)
    assert sorted(found) == ["FieldError"] * (TOGETHER - 2) + ["done"] * 2
