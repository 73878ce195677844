"""Who the add-on is: tokens of files and plugins, found anew when they run out or are refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from burst.api import Api
from burst.credentials import NoCredentials, load
from tests.burst.fakeapi import FakeApi, serving

PLUGIN = """
import json, os, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = int(count.read_text() or 0) + 1 if count.exists() else 1
count.write_text(str(number))
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
token = f"token-{number} for {asked['spec']['cluster']['server']} {os.environ['WHO']}"
print(json.dumps({"kind": "ExecCredential", "status": {"token": token}}))
"""


def config(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:1") -> str:
    body = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (folder / "config").write_text(yaml.safe_dump(body))
    return str(folder / "config")


def plugin(folder: Path, text: str = PLUGIN) -> dict[str, Any]:
    (folder / "plugin.py").write_text(text)
    words = {"command": sys.executable, "args": [str(folder / "plugin.py"), str(folder / "count")]}
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "env": [{"name": "WHO", "value": "w"}], **words}}


async def test_a_plugin_is_told_of_the_cluster_and_asked_once(tmp_path: Path) -> None:
    credentials = load(config(tmp_path, plugin(tmp_path)))
    assert await credentials.token() == "token-1 for http://127.0.0.1:1 w"
    assert await credentials.token() == "token-1 for http://127.0.0.1:1 w"


async def test_a_refused_token_is_found_anew_and_the_request_made_again(tmp_path: Path) -> None:
    fake = FakeApi()
    async with serving(fake) as api:
        credentials = load(config(tmp_path, plugin(tmp_path), server=api.credentials.server))
        fake.refuse[("GET", "pods")] = (401, "Unauthorized", "Unauthorized")
        async with Api(credentials) as asking:
            with pytest.raises(Exception, match="Unauthorized"):
                await asking.get("pods", "shop", "web")
    assert (tmp_path / "count").read_text() == "2"


async def test_a_plugin_that_fails_is_quoted(tmp_path: Path) -> None:
    credentials = load(config(tmp_path, plugin(tmp_path, "import sys; sys.exit('no such key')")))
    with pytest.raises(NoCredentials, match="no such key"):
        await credentials.token()


async def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    credentials = load(config(tmp_path, {"tokenFile": str(tmp_path / "token")}))
    assert await credentials.token() == "first"
    (tmp_path / "token").write_text("second")
    assert await credentials.token(refused="first") == "second"


def test_a_file_that_is_no_kubeconfig_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(json.dumps({"kind": "nothing"}))
    with pytest.raises(NoCredentials, match="cannot be used as a kubeconfig"):
        load(str(tmp_path / "config"))
