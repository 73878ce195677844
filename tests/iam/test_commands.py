"""The first start makes one account, says its password once, and hands out a kubeconfig that works."""

from __future__ import annotations

import base64
import stat
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from iam import accesskeys, logins, signatures, tokens
from iam.authenticator import signing
from iam.models import User


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.ADMIN_PASSWORD = ""
    return tmp_path


def _run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_the_first_start_makes_the_account_and_keeps_a_generated_password(db, data_dir):
    said = _run("setup_account")
    kept = data_dir / "secrets" / "admin-password"
    password = kept.read_text().strip()
    assert "Account demo, user admin: made now." in said and password in said
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert logins.check("demo", "admin", password).name == "admin"


def test_the_second_start_changes_nothing_and_does_not_say_the_password(db, data_dir):
    _run("setup_account")
    password = (data_dir / "secrets" / "admin-password").read_text().strip()
    assert password not in _run("setup_account")
    assert logins.check("demo", "admin", password)


def test_a_chosen_password_is_not_printed(db, settings):
    settings.ADMIN_PASSWORD = "chosen by the operator"
    assert "chosen by the operator" not in _run("setup_account")
    assert logins.check("demo", "admin", "chosen by the operator")


def test_the_kubeconfig_names_region_and_user_and_carries_ca_and_token(db, settings):
    settings.HOST, settings.API_PORT, settings.REGION = "0.0.0.0", 6443, "cn-north-4"  # noqa: S104
    _run("setup_account")
    config = yaml.safe_load(_run("kubeconfig", "--token"))
    assert config["current-context"] == "cci-context-cn-north-4-admin"
    assert config["clusters"][0]["name"] == "cci-cluster-cn-north-4"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert b"BEGIN CERTIFICATE" in base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
    assert tokens.bearer(config["users"][0]["user"]["token"]).identity.account == "demo"


def test_the_kubeconfig_names_the_api_as_users_reach_it(db, settings):
    _run("setup_account")
    settings.API_URL = "https://cci.example.com:16443"
    assert (
        yaml.safe_load(_run("kubeconfig", "--token"))["clusters"][0]["cluster"]["server"]
        == "https://cci.example.com:16443"
    )


def test_the_kubeconfig_file_is_readable_by_its_owner_alone(db, tmp_path):
    _run("setup_account")
    path = tmp_path / "new" / "kubeconfig"
    _run("kubeconfig", "--token", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text())["kind"] == "Config"


def test_the_kubeconfig_that_signs_in_by_itself_has_the_command_beside_it(db, key_file, tmp_path):
    _run("setup_account")
    path = tmp_path / "kubeconfig"
    for _ in range(3):
        _run("kubeconfig", "--output", str(path))
    (key,) = accesskeys.listed(User.objects.get())
    user = yaml.safe_load(path.read_text())["users"][0]
    assert user["name"] == f"cci-user-cn-north-4-{key.ak}"
    assert user["user"]["exec"]["args"][0] == str(tmp_path / "bin" / "cci-iam-authenticator")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_third_access_key_is_made_for_a_kubeconfig(db, key_file):
    _run("setup_account")
    for _ in range(accesskeys.MOST_ACTIVE):
        accesskeys.create(User.objects.get())
    with pytest.raises(CommandError, match=r"Disable one first.*--token"):
        _run("kubeconfig")


def test_a_kubeconfig_for_nobody_is_refused_with_the_remedy(db):
    with pytest.raises(CommandError, match="No user 'eve' in account 'demo'"):
        _run("kubeconfig", "--user", "eve")


@pytest.fixture
def key_file(settings, tmp_path):
    settings.KEY_FILE = tmp_path / "vault.key"


def test_an_access_key_made_on_the_host_signs_requests(db, key_file):
    _run("setup_account")
    words = dict(line.split("=", 1) for line in _run("access_key", "--description", "backup").splitlines())
    header = signing.authorization("POST", "/iam/tokens", b"", ak=words["CCI_AK"], sk=words["CCI_SK"])
    assert signatures.check(header, method="POST", path="/iam/tokens", body=b"").user.name == "admin"


def test_access_keys_are_listed_disabled_and_deleted_on_the_host(db, key_file):
    _run("setup_account")
    ak = _run("access_key").splitlines()[0].removeprefix("CCI_AK=")
    _run("access_key", "disable", ak)
    assert _run("access_key", "list").startswith(f"{ak}  disabled  made ")
    _run("access_key", "delete", ak)
    assert _run("access_key", "list") == ""


def test_what_access_keys_refuse_is_said_on_the_host(db, key_file):
    _run("setup_account")
    with pytest.raises(CommandError, match="There is no access key CCIX"):
        _run("access_key", "disable", "CCIX")


def test_price_warnings_are_switched_and_shown(db):
    _run("setup_account")
    assert "demo: on" in _run("price_warnings")
    assert "demo: off" in _run("price_warnings", "off")
    with pytest.raises(CommandError, match="no account"):
        call_command("price_warnings", "on", account="nobody")


def test_a_new_key_for_tokens_is_made_on_demand(db, data_dir):
    said = _run("rotate_token_key")
    assert "signs from now on" in said and len(list((data_dir / "secrets" / "service-accounts").glob("*.pub"))) == 1
