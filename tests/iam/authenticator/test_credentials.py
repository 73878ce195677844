"""A token comes from the cache while it is good, and from the endpoint when it is not; many at once sign in once."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
import time_machine

from iam.authenticator import cache, credentials, endpoint
from iam.authenticator.failures import Refused, Unreachable
from iam.authenticator.identities import AccessKey, Token, Trust

URL = "https://cci.example:6443"
NOON = 1_767_355_200


class Endpoint:
    """Issues t1, t2, ...; `alive` are those it still takes."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.alive: set[str] = set()
        self.checks = 0
        self.broken: Exception | None = None
        self.lifetime = 24 * 3600

    def fetch(self, address, trust, identity) -> Token:
        if self.broken:
            raise self.broken
        self.issued.append(f"t{len(self.issued) + 1}")
        self.alive.add(self.issued[-1])
        return Token(self.issued[-1], credentials.time.time() + self.lifetime, "cn-north-4")

    def is_alive(self, address, trust, token) -> bool:
        if self.broken:
            raise self.broken
        self.checks += 1
        return token in self.alive


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CCI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def there(monkeypatch) -> Endpoint:
    fake = Endpoint()
    monkeypatch.setattr(endpoint, "fetch", fake.fetch)
    monkeypatch.setattr(endpoint, "is_alive", fake.is_alive)
    return fake


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


def _token(*, named: str = "ak", url: str = URL, caller: int | None = None) -> str:
    return credentials.token(url, Trust(), named=named, identity=lambda: AccessKey("AK", "sk"), caller=caller).token


def test_the_second_kubectl_takes_what_the_first_got(there, clock):
    assert (_token(caller=1), _token(caller=2)) == ("t1", "t1")
    assert there.checks == 0


def test_other_endpoints_and_other_identities_have_tokens_of_their_own(there, clock):
    assert (_token(), _token(named="bob"), _token(url="https://other:6443")) == ("t1", "t2", "t3")


def test_it_is_renewed_ten_minutes_before_it_runs_out(there, clock):
    _token()
    clock.shift(24 * 3600 - credentials.REFRESH_SECONDS - 1)
    assert _token() == "t1"
    clock.shift(2)
    assert _token() == "t2"


def test_a_minute_later_it_is_checked_once(there, clock):
    _token()
    clock.shift(61)
    assert (_token(), _token()) == ("t1", "t1")
    assert there.checks == 1


def test_one_that_was_revoked_is_replaced(there, clock):
    _token()
    there.alive.clear()
    clock.shift(61)
    assert _token() == "t2"


def test_a_kubectl_that_asks_again_was_refused_and_gets_another_at_once(there, clock):
    _token(caller=6)
    assert _token(caller=7) == "t1"
    there.alive.clear()
    assert _token(caller=8) == "t1"
    assert _token(caller=7) == "t2"


def test_while_the_endpoint_cannot_be_reached_the_old_one_is_used_to_its_end(there, clock):
    _token()
    there.broken = Unreachable("nobody there")
    clock.shift(24 * 3600 - 5)
    assert _token() == "t1"
    clock.shift(10)
    with pytest.raises(Unreachable):
        _token()


def test_a_refused_login_is_told_and_nothing_is_kept(there, clock, home):
    there.broken = Refused("no")
    with pytest.raises(Refused):
        _token()
    assert not list(home.glob("*.json"))


def test_a_clock_that_was_set_back_makes_no_token_live_longer(there, clock):
    _token()
    clock.shift(-3600)
    assert _token() == "t2"


def test_only_its_owner_reads_it_and_one_that_others_could_read_is_not_believed(there, clock, home):
    _token()
    (kept,) = home.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(home.stat().st_mode) == 0o700
    kept.chmod(0o644)
    assert _token() == "t2"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"token": 1}', "\x00"])
def test_a_broken_file_is_as_good_as_none(there, clock, home, content):
    _token()
    (kept,) = home.glob("*.json")
    kept.write_text(content)
    assert _token() == "t2"


def test_a_home_that_cannot_be_written_to_costs_a_login_each_time(there, clock, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CCI_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert (_token(), _token()) == ("t1", "t2")
    assert "is not kept for next time" in capsys.readouterr().err


def test_of_many_that_start_at_once_one_signs_in(there):
    found: list[str] = []
    threads = [threading.Thread(target=lambda n=n: found.append(_token(caller=n))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["t1"] * 12


def test_who_waits_too_long_for_another_goes_on_alone(there, monkeypatch, home):
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 0)
    path = cache.path_of(URL, "ak")
    with cache.lock(path):
        assert _token() == "t1"
    assert os.path.exists(path)  # noqa: PTH110
