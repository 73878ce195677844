"""The command is one file: the same bytes from the same sources, for any Python from 3.9 on, without Django."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile

import pytest

from iam import bundle


@pytest.fixture
def command(tmp_path):
    bundle.write(tmp_path / "bin" / bundle.NAME)
    return tmp_path / "bin" / bundle.NAME


def _run(command, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(command.parent), **environment}
    return subprocess.run([str(command), *words], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)


def test_the_same_sources_make_the_same_bytes():
    first = bundle.content()
    bundle.content.cache_clear()
    assert bundle.content() == first


def test_it_is_written_in_the_python_of_2020():
    with zipfile.ZipFile(io.BytesIO(bundle.content())) as archive:
        for name in archive.namelist():
            ast.parse(archive.read(name), name, feature_version=(3, 9))


def test_it_runs_anywhere_and_says_what_it_can_do(command, tmp_path):
    done = _run(command, "token", "--help")
    assert done.returncode == 0, done.stderr
    flags = "ak sk domain-name user-name password project-id project-name iam-endpoint cache token-only"
    for flag in [*flags.split(), "insecure-skip-tls-verify", "certificate-authority"]:
        assert f"--{flag} " in done.stdout


def test_it_imports_nothing_but_the_standard_library(command):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(command), "--version"], capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert imported & {"django", "yaml", "httpx", "cryptography", "orjson"} == set()
    assert "iam" in imported and "ssl" not in imported


@pytest.mark.parametrize(
    ("words", "environment", "code", "said"),
    [
        (["token"], {}, 2, "--iam-endpoint"),
        (["token", "--iam-endpoint=http://x"], {}, 2, "https://HOST:PORT"),
        (["token", "--iam-endpoint=x:1"], {}, 2, "Say who you are"),
        (["token", "--iam-endpoint=x:1", "--ak=A", "--user-name=b"], {}, 2, "either --ak"),
        (["token", "--iam-endpoint=x:1", "--ak=A"], {}, 2, "CCI_SK"),
        (["token", "--iam-endpoint=x:1", "--ak=A", "--sk=-"], {}, 2, "standard input"),
        (["token", "--iam-endpoint=x:1", "--cache=maybe"], {}, 2, "neither true nor false"),
        (["token", "--iam-endpoint=127.0.0.1:1"], {"CCI_AK": "A", "CCI_SK": "s"}, 5, "cannot be reached"),
        (["token", "--iam-endpoint=host.invalid"], {"CCI_AK": "A", "CCI_SK": "s"}, 5, "no such host"),
        (["token", "--iam-endpoint=x:1", "--certificate-authority=/no"], {"CCI_AK": "A"}, 9, "/no"),
        (["token"], {"KUBERNETES_EXEC_INFO": "{"}, 2, "KUBERNETES_EXEC_INFO"),
        (
            ["token"],
            {"KUBERNETES_EXEC_INFO": '{"apiVersion": "client.authentication.k8s.io/v1alpha1", "spec": {}}'},
            2,
            "Write apiVersion: client.authentication.k8s.io/v1",
        ),
        (["generate-kubeconfig"], {}, 2, "--cci-endpoint"),
        ([], {}, 2, ""),
    ],
)
def test_what_is_wrong_is_told_with_a_code_and_what_to_do(command, words, environment, code, said):
    done = _run(command, *words, **environment)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
