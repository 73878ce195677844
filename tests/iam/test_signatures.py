"""A request is signed by an access key, now, and once; or it is told what is wrong and what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from iam import accesskeys, signatures
from iam.authenticator import signing
from iam.models import AccessKey, Nonce

BODY = b'{"project": "cn-north-4"}'


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.KEY_FILE = tmp_path / "vault.key"
    return settings.KEY_FILE


@pytest.fixture
def made(alice_user) -> accesskeys.Created:
    return accesskeys.create(alice_user)


def _header(made: accesskeys.Created, **rest) -> str:
    return signing.authorization("POST", "/iam/tokens", BODY, **{"ak": made.ak, "sk": made.sk, **rest})


def _check(header: str, *, method: str = "POST", path: str = "/iam/tokens", body: bytes = BODY) -> AccessKey:
    return signatures.check(header, method=method, path=path, body=body, address="10.0.0.7")


def test_the_vector_of_the_document_is_what_we_sign():
    signature = signing.sign(
        "an-example-secret-key-of-forty-characters", "POST", "/iam/tokens", b"", "20260102T150405Z", "n0nce-n0nce-n0nce"
    )
    assert signature == "9beffb269916030e68749b7d9e4aa1551c33e2c4c7cf7071e5aa18beb823754b"


def test_a_signed_request_speaks_for_the_keys_user(made, alice_user):
    assert _check(_header(made)).user == alice_user
    row = accesskeys.listed(alice_user)[0]
    assert row.last_address == "10.0.0.7" and row.last_used is not None


@pytest.mark.parametrize("changed", [{"method": "PUT"}, {"path": "/iam/other"}, {"body": b"{}"}])
def test_what_was_changed_on_the_way_is_refused(made, changed):
    with pytest.raises(signatures.WrongSignature, match="its secret"):
        _check(_header(made), **changed)


def test_another_secret_is_refused_and_leaves_no_nonce(made):
    with pytest.raises(signatures.WrongSignature):
        _check(_header(made, sk="x" * 40))
    assert not Nonce.objects.exists()


def test_a_request_is_heard_once(made):
    header = _header(made)
    _check(header)
    with pytest.raises(signatures.Replayed, match="Sign each request anew"):
        _check(header)


def test_the_same_nonce_with_another_timestamp_is_refused_too(made):
    now = timezone.now().timestamp()
    _check(_header(made, nonce="n" * 20, now=now))
    with pytest.raises(signatures.Replayed):
        _check(_header(made, nonce="n" * 20, now=now + 60))


@pytest.mark.parametrize(("seconds", "word"), [(-302, "behind"), (302, "ahead of")])
def test_a_clock_that_is_off_is_told_with_the_servers_time(made, seconds, word):
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False):
        header = _header(made, now=timezone.now().timestamp() + seconds)
        with pytest.raises(signatures.ClockOff, match=f"302 seconds {word} .* which says 2026-01-02T03:04:05Z"):
            _check(header)


@pytest.mark.parametrize("seconds", [-299, 299])
def test_a_clock_within_five_minutes_will_do(made, seconds):
    assert _check(_header(made, now=timezone.now().timestamp() + seconds))


def test_a_nonce_is_remembered_for_as_long_as_any_clock_accepts_it(made):
    now = timezone.now()
    header = _header(made, now=now.timestamp() + 290)
    _check(header)
    with time_machine.travel(now + timedelta(seconds=580)):
        signatures.sweep(timezone.now())
        with pytest.raises(signatures.Replayed):
            _check(header)
    assert signatures.sweep(now + timedelta(minutes=11)) == 1


def test_an_unknown_key_is_told(made):
    with pytest.raises(signatures.UnknownAccessKey, match="no access key CCINOBODY"):
        _check(_header(made, ak="CCINOBODY"))


def test_a_disabled_key_is_told_only_to_who_has_its_secret(made, alice_user):
    accesskeys.disable(alice_user, made.ak)
    with pytest.raises(signatures.WrongSignature):
        _check(_header(made, sk="guessed"))
    with pytest.raises(signatures.DisabledAccessKey, match="is disabled"):
        _check(_header(made))


def test_the_key_of_a_user_who_is_switched_off_is_refused(made, alice_user):
    alice_user.is_active = False
    alice_user.save()
    with pytest.raises(signatures.DisabledAccessKey, match="The user of"):
        _check(_header(made))


def test_a_key_whose_key_file_is_lost_says_so(made, key_file):
    key_file.unlink()
    with pytest.raises(signatures.UnreadableAccessKey, match="Make a new access key"):
        _check(_header(made))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        signing.SCHEME,
        f"{signing.SCHEME} AccessKey=A, Timestamp=20261399T999999Z, Nonce={'n' * 16}, Signature={'0' * 64}",
        f"{signing.SCHEME} AccessKey=A, Timestamp=20260102T030405Z, Nonce=short, Signature={'0' * 64}",
        f"{signing.SCHEME} AccessKey=A, Timestamp=٢٠260102T030405Z, Nonce={'n' * 16}, Signature={'0' * 64}",
    ],
)
def test_a_header_that_is_not_whole_says_how_it_reads(db, header):
    with pytest.raises(signatures.Malformed):
        _check(header)
