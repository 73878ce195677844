"""Statements that this installation signed, and nobody else: keys, signatures, and everything that is not one."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from iam import jws, signing

CLAIMS = {"sub": "somebody", "n": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "secrets" / "service-accounts"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_read_and_signing_again_is_the_same_text():
    keys = signing.keys()
    statement = jws.sign(CLAIMS, keys.signing)
    assert jws.read(statement, keys.public) == CLAIMS
    assert jws.sign(CLAIMS, signing.keys().signing) == statement


def test_the_key_is_its_owners_alone_and_every_process_has_the_same(folder):
    first = jws.key_id(signing.keys().signing.public_key())
    signing._known.clear()
    assert jws.key_id(signing.keys().signing.public_key()) == first
    assert stat.S_IMODE((folder / "signing.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_an_old_key_signed_is_believed_until_it_has_run_out(folder):
    statement = jws.sign(CLAIMS, signing.keys().signing)
    signing.rotate(longest=timedelta(hours=24))
    assert jws.read(statement, signing.keys().public) == CLAIMS
    assert jws.sign(CLAIMS, signing.keys().signing) != statement
    (old,) = folder.glob("*.pub")
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    signing.rotate(longest=timedelta(hours=24))
    with pytest.raises(jws.NotSigned):
        jws.read(statement, signing.keys().public)


def test_a_change_of_a_single_letter_is_noticed():
    keys = signing.keys()
    statement = jws.sign(CLAIMS, keys.signing)
    for at in range(len(statement)):
        changed = statement[:at] + ("A" if statement[at] != "A" else "B") + statement[at + 1 :]
        with pytest.raises(jws.NotSigned):
            jws.read(changed, keys.public)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "es256", "", None])
def test_the_statement_does_not_choose_its_algorithm(algorithm):
    keys = signing.keys()
    _, claims, signature = jws.sign(CLAIMS, keys.signing).split(".")
    (key_id,) = keys.public
    for end in (signature, ""):
        with pytest.raises(jws.NotSigned):
            jws.read(f"{part({'alg': algorithm, 'kid': key_id})}.{claims}.{end}", keys.public)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "e30.e30.", "eyJ.eyJ.eyJ", "x" * 100_000, "é.é.é", "a.b.c.d"])
def test_what_is_no_statement_is_refused(text):
    with pytest.raises(jws.NotSigned):
        jws.read(text, signing.keys().public)


def test_a_stranger_with_our_keys_name_is_a_stranger():
    stranger = ec.generate_private_key(ec.SECP256R1())
    keys = signing.keys()
    (key_id,) = keys.public
    _, claims, _ = jws.sign(CLAIMS, stranger).split(".")
    text = f"{part({'alg': 'ES256', 'kid': key_id})}.{claims}"
    forged = f"{text}.{jws.sign(CLAIMS, stranger).split('.')[2]}"
    with pytest.raises(jws.NotSigned):
        jws.read(forged, keys.public)
