"""Right password: the user. Wrong ones: nobody, and slower with each try."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from iam import logins
from iam.models import LoginFailures


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


def test_how_long_to_wait_is_said_as_a_time_too(alice_user):
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False):
        _fail(logins.FREE_TRIES)
        with pytest.raises(logins.TooManyTries, match="Try again in 11 seconds, at 03:04:16 UTC"):
            logins.check("acme", "alice", "correct horse")


def test_guesses_from_many_addresses_lock_the_login_out_but_not_where_it_has_signed_in(alice_user):
    logins.check("acme", "alice", "correct horse", address="10.0.0.9")
    for number in range(logins.FREE_TRIES_OF_A_LOGIN):
        _fail(1, address=f"10.1.0.{number}")
    with pytest.raises(logins.TooManyTries) as refused:
        logins.check("acme", "alice", "correct horse", address="10.2.0.1")
    assert 0 < refused.value.retry_after <= 61
    assert logins.check("acme", "alice", "correct horse", address="10.0.0.9") == alice_user


def test_a_login_that_does_not_exist_is_locked_out_like_one_that_does(db):
    for _ in range(logins.FREE_TRIES):
        with pytest.raises(logins.WrongLogin):
            logins.check("acme", "nobody", "guess")
    with pytest.raises(logins.TooManyTries):
        logins.check("acme", "nobody", "guess")


def test_one_address_that_tries_many_logins_is_slowed_down(alice_user):
    for number in range(logins.FREE_TRIES_OF_AN_ADDRESS):
        with pytest.raises(logins.WrongLogin):
            logins.check("acme", f"user-{number}", "password1", address="10.0.0.1")
    with pytest.raises(logins.TooManyTries):
        logins.check("acme", "user-x", "password1", address="10.0.0.1")
    assert logins.check("acme", "alice", "correct horse", address="10.0.0.2") == alice_user


def test_right_passwords_never_add_up_to_a_wait(alice_user):
    for _ in range(2 * logins.FREE_TRIES_OF_AN_ADDRESS):
        logins.check("acme", "alice", "correct horse", address="10.0.0.1")


def test_tries_that_have_to_wait_do_not_make_the_wait_longer(alice_user):
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False) as clock:
        _fail(logins.FREE_TRIES)
        for _ in range(5):
            with pytest.raises(logins.TooManyTries):
                logins.check("acme", "alice", "wrong")
        clock.shift(11)
        assert logins.check("acme", "alice", "correct horse") == alice_user


def test_what_is_long_ago_is_forgiven_and_swept(alice_user):
    _fail(logins.FREE_TRIES)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        _fail(logins.FREE_TRIES)
    logins.sweep(timezone.now() + timedelta(days=2))
    assert not LoginFailures.objects.exists()
