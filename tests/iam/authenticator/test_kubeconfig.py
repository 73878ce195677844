"""What is in a kubeconfig stays in it, whoever wrote it and how; what cannot be merged is left as it is."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam.authenticator.failures import FileTrouble
from iam.authenticator.kubeconfig import Entries, default_path, merged, update

MINE = Entries(
    "cci-cluster-cn-north-4",
    {"server": "https://127.0.0.1:6443", "certificate-authority-data": "YWJj"},
    "cci-user-cn-north-4-alice",
    {"exec": {"command": "cci-iam-authenticator", "args": ["token", "--ak=x: y"], "env": None}},
    "cci-context-cn-north-4-alice",
)

BY_HAND = """\
# mine, do not touch
apiVersion: v1
kind: Config
current-context: kind-dev   # the usual
preferences: {}
clusters:
# the first
- cluster:
    certificate-authority-data: |
      - name: not an item
    server: https://10.0.0.1:6443
  name: "kind-dev"

  # before the second
- name: 'other'
  cluster: {server: "https://o"}
contexts:
  - context:
      cluster: kind-dev
      user: kind-dev
    name: kind-dev
users:
- name: kind-dev
  user:
    client-key-data: a2V5
    exec:
      args:
      - token
      - name
# the end
"""


def _merge(old: dict[str, Any], *, make_current: bool = True) -> dict[str, Any]:
    """What the text must mean afterwards, said with YAML's own objects."""
    new = json.loads(json.dumps(old))
    context = {"cluster": MINE.cluster_name, "user": MINE.user_name}
    for plural, singular, name, content in (
        ("clusters", "cluster", MINE.cluster_name, MINE.cluster),
        ("users", "user", MINE.user_name, MINE.user),
        ("contexts", "context", MINE.context_name, context),
    ):
        items = new.get(plural) or []
        others = [item for item in items if item["name"] != name]
        new[plural] = sorted([*others, {singular: content, "name": name}], key=lambda item: str(item["name"]))
    if make_current or "current-context" not in new:
        new["current-context"] = MINE.context_name
    return {"apiVersion": "v1", "kind": "Config", **new}


def _meaning(text: str) -> dict[str, Any]:
    config = yaml.safe_load(text)
    for plural in ("clusters", "users", "contexts"):
        config[plural] = sorted(config[plural], key=lambda item: str(item["name"]))
    return config


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_becomes_a_kubeconfig(text):
    assert _meaning(merged(text, MINE, make_current=False)) == _merge({})


def test_what_was_written_by_hand_keeps_its_comments_and_entries():
    text = merged(BY_HAND, MINE, make_current=True)
    assert _meaning(text) == _merge(yaml.safe_load(BY_HAND))
    assert [line for line in BY_HAND.splitlines() if line not in text.splitlines()] == [
        "current-context: kind-dev   # the usual"
    ]


def test_the_current_context_stays_when_that_is_wanted():
    assert _meaning(merged(BY_HAND, MINE, make_current=False))["current-context"] == "kind-dev"


def test_merging_twice_is_merging_once():
    once = merged(BY_HAND, MINE, make_current=True)
    assert merged(once, MINE, make_current=True) == once


def test_an_entry_of_the_same_name_is_replaced_and_its_namespace_stays():
    old = BY_HAND.replace("    name: kind-dev\nusers", f"    name: kind-dev\n{_context_in('shop')}users")
    config = yaml.safe_load(merged(old, MINE, make_current=True))
    mine = [one for one in config["contexts"] if one["name"] == MINE.context_name]
    assert mine == [{"name": MINE.context_name, "context": _context("shop")}]


def _context(namespace: str) -> dict[str, str]:
    return {"cluster": MINE.cluster_name, "user": MINE.user_name, "namespace": namespace}


def _context_in(namespace: str) -> str:
    return f"  - context:\n      cluster: x\n      namespace: {namespace}  # kept\n    name: {MINE.context_name}\n"


def test_json_is_merged_as_json():
    old = {**yaml.safe_load(BY_HAND), "extensions": [{"name": "x", "extension": {"a": [1]}}]}
    text = merged(json.dumps(old), MINE, make_current=True)
    assert _meaning(text) == _merge(old) and json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "clusters: [{name: a, cluster: {}}]\n",
        "clusters:\n- {name: a, cluster: {}}\n",
        "clusters:\n- &a\n  name: a\n",
        "clusters:\n- cluster: {}\n",
        "clusters:\n  name: a\n",
        "clusters:\n- name: >\n    a\n",
        "a: 1\n---\nb: 2\n",
        "clusters: []\nclusters: []\n",
        "not yaml at all\n",
        "{not json",
    ],
)
def test_what_is_written_otherwise_is_refused_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(FileTrouble, match="--kubeconfig=FILE"):
        update(str(path), MINE, make_current=True)
    assert path.read_text() == text


LETTERS = "ab1-:#'\"{}[]&*!|>%@`,?é漢\\"
NAMES = st.one_of(
    st.sampled_from([MINE.cluster_name, MINE.user_name, MINE.context_name, "yes", "1", "#", "- x", "a: b", "'", '"']),
    st.text(LETTERS, min_size=1, max_size=6),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(LETTERS + " \n\t", max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


def _items(singular: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    item = st.fixed_dictionaries({"name": NAMES, singular: st.dictionaries(NAMES, VALUES, max_size=3)})
    return st.lists(item, max_size=3, unique_by=lambda one: one["name"])


CONFIGS = st.fixed_dictionaries(
    {"clusters": _items("cluster"), "users": _items("user")},
    optional={"contexts": _items("context"), "preferences": st.just({}), "current-context": NAMES},
)


class _Indented(yaml.SafeDumper):
    """Lists further in than their key, as yq and editors write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(config=CONFIGS, dumper=st.sampled_from([yaml.SafeDumper, _Indented]), sort=st.booleans())
def test_whatever_is_in_it_stays_in_it(config, dumper, sort):
    text = yaml.dump(config, Dumper=dumper, default_flow_style=False, sort_keys=sort, allow_unicode=True)
    wanted = _merge(config)
    found = _meaning(merged(text, MINE, make_current=True))
    for context in wanted["contexts"]:
        if context["name"] == MINE.context_name:
            continue
        assert context in found["contexts"]
    assert {**found, "contexts": 0} == {**wanted, "contexts": 0}


def test_the_file_is_its_owners_alone_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "new" / "config"
    real.write_text(BY_HAND)
    real.chmod(0o644)
    link.parent.mkdir()
    link.symlink_to(real)
    update(str(link), MINE, make_current=True)
    assert link.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.lock"))


def test_a_file_that_kubectl_has_locked_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("iam.authenticator.kubeconfig._LOCK_SECONDS", 0)
    (tmp_path / "config.lock").touch()
    with pytest.raises(FileTrouble, match=r"locked by another kubectl.*config\.lock"):
        update(str(tmp_path / "config"), MINE, make_current=True)


def test_the_file_is_the_one_kubectl_would_write(tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.touch()
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'no'}:{there}:{tmp_path / 'last'}")
    assert default_path() == str(there)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'no'}:{tmp_path / 'last'}")
    assert default_path() == str(tmp_path / "last")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG")
    assert default_path() == str(tmp_path / ".kube" / "config")
