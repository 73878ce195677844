"""`cci-iam-authenticator` as people use it: a kubeconfig once, then the real kubectl, by password and by access key."""

from __future__ import annotations

import hashlib
import io
import json
import os
import ssl
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.core.management import call_command

from iam import accesskeys, bundle, logins, pki, tokens
from iam.authenticator import endpoint
from iam.authenticator.identities import AccessKey, Trust
from iam.models import LoginFailures, Token, User
from tests.workloads.kubeapi.callers import Kubectl, kubectl_binary
from workloads.kubeapi import authentication

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def here(settings, data_dir, tmp_path, monkeypatch) -> Path:
    """The server finds its CA and its key file; the command has a home of its own."""
    settings.DATA_DIR, settings.KEY_FILE = data_dir, tmp_path / "vault.key"
    bundle.write(tmp_path / "bin" / bundle.NAME)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CCI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    for name in ("KUBECONFIG", "CCI_AK", "CCI_SK", "CCI_PASSWORD", "CCI_DOMAIN_NAME", "CCI_USER_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(server: str, here: Path) -> Run:
    def run(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **environment}
        return subprocess.run([bundle.NAME, *words], input=stdin, capture_output=True, text=True, timeout=60, env=env)

    return run


@pytest.fixture
def made(here: Path, alice_user: User) -> accesskeys.Created:
    return accesskeys.create(alice_user)


@pytest.fixture
def fingerprint(certificates: pki.Pki) -> str:
    der = ssl.PEM_cert_to_DER_cert(certificates.ca.read_text())
    return f"--certificate-authority=sha256:{hashlib.sha256(der).hexdigest()}"


def _kubectl(here: Path) -> Kubectl:
    return Kubectl(kubectl_binary("1.33"), here / ".kube" / "config", here / "kube-cache")


def test_kubectl_signs_in_with_an_access_key_whose_secret_stays_at_home(run, server, fingerprint, made, here):
    done = run("generate-kubeconfig", f"--cci-endpoint={server}", f"--ak={made.ak}", fingerprint, CCI_SK=made.sk)
    assert done.returncode == 0, done.stderr
    path = here / ".kube" / "config"
    config = yaml.safe_load(path.read_text())
    assert config["current-context"] == f"cci-context-cn-north-4-{made.ak}"
    assert config["clusters"][0]["name"] == "cci-cluster-cn-north-4"
    assert config["users"][0]["name"] == f"cci-user-cn-north-4-{made.ak}"
    assert made.sk not in " ".join(config["users"][0]["user"]["exec"]["args"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "alice" in _kubectl(here)("auth", "whoami")
    assert [token.via for token in Token.objects.all()] == ["access-key"]


def test_many_kubectls_by_password_share_one_login(run, server, fingerprint, here, alice_user):
    who = ("--domain-name=acme", "--user-name=alice")
    done = run(
        "generate-kubeconfig", f"--cci-endpoint={server}", *who, "--password=-", fingerprint, stdin="correct horse\n"
    )
    assert done.returncode == 0, done.stderr
    tokens.revoke_all(alice_user)
    for kept in (here / "cache").glob("*.json"):
        kept.unlink()
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: _kubectl(here).run("get", "namespaces"), range(4)))
    assert [one.returncode for one in said] == [0] * 4, said
    assert Token.objects.filter(revoked=False).count() == 1


def test_a_revoked_token_is_replaced_after_one_refusal(run, server, fingerprint, made, here, alice_user):
    run("generate-kubeconfig", f"--cci-endpoint={server}", f"--ak={made.ak}", fingerprint, CCI_SK=made.sk)
    kubectl = _kubectl(here)
    kubectl("get", "namespaces")
    tokens.revoke_all(alice_user)
    authentication.forget()
    refused = kubectl.run("get", "namespaces")
    assert refused.returncode == 0 or "try again" in refused.stderr
    assert "No resources found" in kubectl.run("get", "namespaces").stderr


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_exec_credential_is_in_the_version_kubectl_asks_for(run, server, certificates, made, version):
    asked = {"apiVersion": f"client.authentication.k8s.io/{version}", "kind": "ExecCredential", "spec": {}}
    done = run(
        "token",
        f"--iam-endpoint={server}",
        f"--certificate-authority={certificates.ca}",
        CCI_AK=made.ak,
        CCI_SK=made.sk,
        KUBERNETES_EXEC_INFO=json.dumps(asked),
    )
    said = json.loads(done.stdout)
    assert (said["apiVersion"], said["kind"]) == (asked["apiVersion"], "ExecCredential")
    assert tokens.bearer(said["status"]["token"]).identity.user == "alice"
    assert said["status"]["expirationTimestamp"].endswith("Z")


def test_the_token_alone_is_for_scripts(run, server, certificates, alice_user):
    words = ("--domain-name=acme", "--user-name=alice", "--token-only", "--cache=false")
    done = run(
        "token",
        f"--iam-endpoint={server}",
        f"--certificate-authority={certificates.ca}",
        *words,
        CCI_PASSWORD="correct horse",
    )
    assert tokens.bearer(done.stdout.strip())


def _ask(run: Run, server: str, trust: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("token", f"--iam-endpoint={server}", trust, *words, **environment)


def test_wrong_credentials_say_what_to_look_at(run, server, certificates, made, alice_user):
    trust = f"--certificate-authority={certificates.ca}"
    for words, said in (
        (("--domain-name=acme", "--user-name=alice", "--password=wrong"), "The console takes the same three"),
        (("--ak=CCINOBODY", "--sk=x"), "There is no access key CCINOBODY"),
        ((f"--ak={made.ak}", "--sk=x"), "its secret (SK) is another"),
    ):
        done = _ask(run, server, trust, *words)
        assert (done.returncode, said in done.stderr) == (3, True), done.stderr
    accesskeys.disable(alice_user, made.ak)
    assert "is disabled" in _ask(run, server, trust, f"--ak={made.ak}", f"--sk={made.sk}").stderr


def test_who_is_locked_out_is_told_until_when(run, server, certificates, alice_user):
    for _ in range(logins.FREE_TRIES):
        with pytest.raises(logins.WrongLogin):
            logins.check("acme", "alice", "wrong", address="127.0.0.1")
    LoginFailures.objects.update(count=60)
    trust = f"--certificate-authority={certificates.ca}"
    done = _ask(run, server, trust, "--domain-name=acme", "--user-name=alice", "--password=correct horse")
    assert done.returncode == 4 and "Try again in 15 minutes, at " in done.stderr


def test_a_certificate_nobody_vouches_for_is_not_trusted(run, server, made, fingerprint):
    words = (f"--ak={made.ak}", f"--sk={made.sk}")
    done = run("token", f"--iam-endpoint={server}", *words)
    assert done.returncode == 6 and "--certificate-authority=FILE" in done.stderr
    done = run("token", f"--iam-endpoint={server}", *words, "--certificate-authority=sha256:" + "0" * 64)
    assert done.returncode == 6 and fingerprint.partition("=")[2] in done.stderr
    done = run("token", f"--iam-endpoint={server.replace('127.0.0.1', '127.0.0.2')}", *words, fingerprint)
    assert done.returncode in (5, 6)
    assert run("token", f"--iam-endpoint={server}", *words, "--insecure-skip-tls-verify").returncode == 0


def test_a_proxy_is_not_asked_about_this_machine(run, server, certificates, made):
    proxy = "http://127.0.0.1:1"
    trust = f"--certificate-authority={certificates.ca}"
    assert _ask(run, server, trust, f"--ak={made.ak}", f"--sk={made.sk}", HTTPS_PROXY=proxy).returncode == 0
    done = run("token", "--iam-endpoint=cci.invalid:6443", "--ak=A", "--sk=s", HTTPS_PROXY=proxy)
    assert done.returncode == 5 and "cannot be reached" in done.stderr


def test_a_clock_that_is_off_is_made_up_for(server, certificates, made, monkeypatch):
    slow = SimpleNamespace(time=lambda: time.time() - 3600, strptime=time.strptime)
    monkeypatch.setattr(endpoint, "time", slow)
    trust = Trust(certificates.ca.read_text())
    token = endpoint.fetch(server, trust, AccessKey(made.ak, made.sk))
    assert tokens.bearer(token.token)
    assert abs(token.expires - (time.time() - 3600 + 24 * 3600)) < 30


def test_the_kubeconfig_of_the_host_signs_in_by_itself(server, alice_user, here):
    path = here / "data" / "kubeconfig"
    words = ("--account", "acme", "--user", "alice", "--server", server, "--output", str(path))
    call_command("kubeconfig", *words, stdout=io.StringIO())
    kubectl = Kubectl(kubectl_binary("1.33"), path, here / "kube-cache")
    assert "alice" in kubectl("auth", "whoami")
