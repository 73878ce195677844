"""Access keys: the secret is seen once, two may be active, and who takes one away takes what was had with it."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from iam import accesskeys, tokens, vault
from iam.models import AccessKey, Account, User


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path) -> Path:
    settings.KEY_FILE = tmp_path / "secrets" / "vault.key"
    return settings.KEY_FILE


@pytest.fixture
def charlie_user(db) -> User:
    return User.objects.create_user(Account.objects.create(name="other"), "charlie", "battery staple")


def test_the_secret_is_nowhere_but_in_the_answer(alice_user, key_file):
    made = accesskeys.create(alice_user, description="CI")
    kept = AccessKey.objects.get()
    assert made.sk not in (kept.sealed, key_file.read_text(), str(kept), repr(made))
    assert vault.unseal(kept.sealed) == made.sk
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_two_are_active_at_most_and_one_is_rotated_without_a_gap(alice_user):
    old = accesskeys.create(alice_user)
    new = accesskeys.create(alice_user)
    with pytest.raises(accesskeys.FieldError, match="may have 2 active access keys"):
        accesskeys.create(alice_user)
    accesskeys.disable(alice_user, old.ak)
    accesskeys.delete(alice_user, old.ak)
    assert [row.ak for row in accesskeys.listed(alice_user)] == [new.ak]


def test_a_third_is_not_enabled_beside_two(alice_user):
    first = accesskeys.create(alice_user)
    accesskeys.disable(alice_user, first.ak)
    accesskeys.create(alice_user)
    accesskeys.enable(alice_user, first.ak)
    second = accesskeys.listed(alice_user)[0]
    accesskeys.disable(alice_user, second.ak)
    accesskeys.create(alice_user)
    with pytest.raises(accesskeys.FieldError, match="Disable one first"):
        accesskeys.enable(alice_user, second.ak)


def test_disabled_ones_are_kept_up_to_ten(alice_user):
    for _ in range(accesskeys.MOST_KEPT):
        accesskeys.disable(alice_user, accesskeys.create(alice_user).ak)
    with pytest.raises(accesskeys.FieldError, match="Delete one first"):
        accesskeys.create(alice_user)


def test_an_active_key_is_not_deleted_by_mistake(alice_user):
    made = accesskeys.create(alice_user)
    with pytest.raises(accesskeys.FieldError, match="Disable it first"):
        accesskeys.delete(alice_user, made.ak)


def test_a_key_that_is_disabled_takes_its_tokens_along(alice_user):
    key = AccessKey.objects.get(ak=accesskeys.create(alice_user).ak)
    of_key, of_password = tokens.issue(alice_user, via="access-key", access_key=key), tokens.issue(alice_user)
    accesskeys.disable(alice_user, key.ak)
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(of_key.token)
    assert tokens.bearer(of_password.token)


@pytest.mark.parametrize("act", [accesskeys.disable, accesskeys.enable, accesskeys.delete])
def test_somebody_elses_key_does_not_exist(alice_user, charlie_user, act):
    made = accesskeys.create(alice_user)
    with pytest.raises(accesskeys.UnknownKey):
        act(charlie_user, made.ak)
    assert accesskeys.listed(alice_user)[0].active


def test_a_description_that_is_too_long_is_told_at_its_field(alice_user):
    with pytest.raises(accesskeys.FieldError, match="256 characters") as refused:
        accesskeys.create(alice_user, description="x" * 256)
    assert refused.value.field == "description"


def test_the_last_use_is_noted_once_a_minute(alice_user):
    accesskeys.create(alice_user)
    start = timezone.now()
    for seconds, address in ((0, "10.0.0.1"), (30, "10.0.0.2"), (61, "10.0.0.3")):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            accesskeys.note_use(AccessKey.objects.get(), address=address)
        if seconds == 30:
            assert accesskeys.listed(alice_user)[0].last_address == "10.0.0.1"
    assert accesskeys.listed(alice_user)[0].last_address == "10.0.0.3"


def test_a_lost_key_file_is_told_and_new_keys_work(alice_user, key_file):
    accesskeys.create(alice_user, description="old")
    key_file.unlink()
    made = accesskeys.create(alice_user, description="new")
    assert {row.description: row.readable for row in accesskeys.listed(alice_user)} == {"old": False, "new": True}
    assert vault.unseal(AccessKey.objects.get(ak=made.ak).sealed) == made.sk


def test_a_new_first_line_renews_the_key_and_old_lines_still_open(alice_user, key_file):
    made = accesskeys.create(alice_user)
    old = key_file.read_text()
    key_file.unlink()
    vault.seal("makes a new one")
    key_file.write_text(key_file.read_text() + old)
    assert vault.unseal(AccessKey.objects.get(ak=made.ak).sealed) == made.sk


@pytest.mark.parametrize("content", ["", "not a key"])
def test_a_broken_key_file_is_an_error_that_names_it(alice_user, key_file, content):
    key_file.parent.mkdir()
    key_file.write_text(content)
    with pytest.raises(vault.KeyFileError, match=str(key_file)):
        accesskeys.create(alice_user)
