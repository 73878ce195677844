"""Right password: the user. Wrong ones: nobody, and slower with each try."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from iam import logins


def _fail(times: int, *, address: str = "") -> None:
    for _ in range(times):
        with pytest.raises(logins.WrongLogin):
            logins.check("acme", "alice", "wrong", address=address)


def test_the_right_password_gives_the_user(alice_user):
    assert logins.check("acme", "alice", "correct horse") == alice_user


@pytest.mark.parametrize(
    ("account", "user"), [("acme", "alice"), ("acme", "nobody"), ("nobody", "alice"), ("", ""), ("acme/alice", "x")]
)
def test_every_wrong_login_is_told_the_same(alice_user, account, user):
    with pytest.raises(logins.WrongLogin, match="The account, the user name or the password is wrong"):
        logins.check(account, user, "wrong")


def test_a_user_who_is_switched_off_cannot_sign_in(alice_user):
    alice_user.is_active = False
    alice_user.save()
    with pytest.raises(logins.WrongLogin):
        logins.check("acme", "alice", "correct horse")


def test_after_five_wrong_passwords_even_the_right_one_waits(alice_user):
    _fail(logins.FREE_TRIES)
    with pytest.raises(logins.TooManyTries) as refused:
        logins.check("acme", "alice", "correct horse")
    assert 0 < refused.value.retry_after <= 11


def test_the_wait_ends_and_the_right_password_clears_it(alice_user):
    _fail(logins.FREE_TRIES)
    with time_machine.travel(timezone.now() + timedelta(seconds=12)):
        logins.check("acme", "alice", "correct horse")
        _fail(logins.FREE_TRIES - 1)
        assert logins.check("acme", "alice", "correct horse") == alice_user


def test_each_further_wrong_password_waits_longer(alice_user):
    _fail(logins.FREE_TRIES)
    with time_machine.travel(timezone.now() + timedelta(seconds=12)):
        _fail(1)
        with pytest.raises(logins.TooManyTries) as refused:
            logins.check("acme", "alice", "correct horse")
    assert refused.value.retry_after > 11


def test_guessing_from_one_address_does_not_lock_out_another(alice_user):
    _fail(logins.FREE_TRIES, address="10.0.0.1")
    assert logins.check("acme", "alice", "correct horse", address="10.0.0.2") == alice_user
