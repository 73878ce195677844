"""Form and YAML are two views of one draft: what is typed in one is in the other, and nothing is lost on the way."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from console import manifests
from console.forms import readback
from console.forms.barepods import BarePodDraft
from console.forms.deployments import DeploymentDraft
from console.forms.jobs import CronJobDraft, JobDraft
from console.forms.readback import StaysYaml
from console.forms.workloads import WorkloadDraft

pytestmark = pytest.mark.django_db
WEB = {
    "name": "web",
    "namespace": "shop",
    "replicas": "3",
    "size": "0.50_1.0",
    "containers-0-name": "app",
    "containers-0-image": "nginx:1.27",
    "containers-0-env-0-name": "COLOUR",
    "containers-0-env-0-value": " green ",
}
JOB = {"name": "sum", "namespace": "shop", "containers-0-name": "app", "containers-0-image": "busybox"}


def names_of(fields: dict[str, str]) -> list[str]:
    return [container.name for container in DeploymentDraft.read(fields).pod.containers]


def text_of(kind: type[WorkloadDraft], fields: dict[str, str]) -> str:
    return "---\n".join(manifests.text(one) for one in kind.read(fields).everything)


def objects_of(kind: type[WorkloadDraft], fields: dict[str, str]) -> list[dict[str, Any]]:
    return kind.read(fields).everything


# What is typed in the form

_WORDS = st.text("abc-:/ =$'\"\\{}é", max_size=8)
_LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
_NUMBERS = st.one_of(st.just(""), st.integers(0, 500).map(str), st.just("many"))
_WAYS = st.sampled_from(["", "http", "tcp", "command", "sleep"])
_SOURCES = st.sampled_from(["value", "PodIP", "LimitCPU", "configMap/one/key", "secret/two/key"])


@st.composite
def containers(draw: st.DrawFn, index: int) -> dict[str, str]:
    prefix, fields = f"containers-{index}-", {}
    fields["name"] = draw(st.one_of(st.just(""), _LABELS))
    fields["role"] = draw(st.sampled_from(["main", "init"]))
    for name in ("image", "command", "args", "working_dir", "tag"):
        fields[name] = draw(_WORDS)
    fields["pull_policy"] = draw(st.sampled_from(["Always", "Never", "IfNotPresent"]))
    fields["cpu"] = draw(st.sampled_from(["", "0.5", "500m", "1"]))
    fields["memory"] = draw(st.sampled_from(["", "1", "0.5", "512Mi", "2Gi"]))
    for row in draw(st.lists(st.integers(0, 3), unique=True, max_size=3)):
        fields |= {
            f"env-{row}-name": draw(_LABELS),
            f"env-{row}-source": draw(_SOURCES),
            f"env-{row}-value": draw(_WORDS),
        }
        fields |= {f"from-{row}-source": draw(st.sampled_from(["", "configMap/one", "secret/two"]))}
        fields |= {
            f"mount-{row}-what": draw(st.sampled_from(["disk", "memory", "configMap/one", "claim/data"])),
            f"mount-{row}-path": draw(_WORDS),
            f"mount-{row}-name": draw(st.one_of(st.just(""), _LABELS)),
            f"mount-{row}-limit": draw(st.sampled_from(["", "1", "64Mi"])),
        }
    for word in draw(st.sets(st.sampled_from(["startup", "liveness", "readiness", "post-start", "pre-stop"]))):
        fields |= {f"{word}-way": draw(_WAYS), f"{word}-command": draw(_WORDS), f"{word}-port": draw(_NUMBERS)}
        fields |= {f"{word}-path": draw(_WORDS), f"{word}-period": draw(_NUMBERS), f"{word}-seconds": draw(_NUMBERS)}
    return {prefix + name: value for name, value in fields.items()}


@st.composite
def forms(draw: st.DrawFn) -> dict[str, str]:
    """Fields of all three forms together, valid or not: each reads its own."""
    fields = {"name": draw(st.one_of(st.just(""), _LABELS)), "namespace": "shop", "description": draw(_WORDS)}
    fields |= {
        "size": draw(st.sampled_from(["0.25_1.0", "2.00_4.0", "free"])),
        "size_cores": "3",
        "size_gib": draw(_NUMBERS),
    }
    for index in draw(st.lists(st.integers(0, 4), unique=True, max_size=3)):
        fields |= draw(containers(index))
    for name in ("replicas", "grace_seconds", "completions", "parallelism", "timeout", "retries", "ttl", "deadline"):
        fields[name] = draw(_NUMBERS)
    fields |= {"strategy": draw(st.sampled_from(["RollingUpdate", "Recreate"])), "max_surge": draw(_WORDS)}
    fields |= {"mode": draw(st.sampled_from(["once", "custom"])), "zone": draw(_WORDS), "sleep_after": draw(_WORDS)}
    fields |= {"rule": draw(st.sampled_from(["minutes", "hourly", "daily", "weekly", "monthly", "cron"]))}
    fields |= {
        "every": draw(_NUMBERS),
        "minute": draw(_NUMBERS),
        "time": "04:05",
        "day": draw(_NUMBERS),
        "cron": "@hourly",
    }
    fields |= {f"weekday-{day}-on": "on" for day in draw(st.sets(st.integers(0, 6)))}
    fields |= {"dns_servers": draw(_WORDS), "access": draw(st.sampled_from(["none", "internal", "public"]))}
    fields |= {
        "access-layer": draw(st.sampled_from(["4", "7"])),
        "access-elb": draw(st.sampled_from(["default", "new", "id-1"])),
    }
    fields |= {
        "access-elb_name": "door",
        "access-scheme": draw(st.sampled_from(["HTTP", "HTTPS"])),
        "access-domain": draw(_WORDS),
    }
    for row in draw(st.lists(st.integers(0, 2), unique=True, max_size=2)):
        fields |= {f"access-port-{row}-port": draw(_NUMBERS), f"access-port-{row}-target": draw(_WORDS)}
        fields |= {f"access-path-{row}-path": draw(_WORDS), f"access-path-{row}-port": draw(_NUMBERS)}
    return fields


KINDS = st.sampled_from([DeploymentDraft, JobDraft, CronJobDraft, BarePodDraft])
MANY = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@MANY
@given(kind=KINDS, fields=forms())
def test_a_form_that_went_to_yaml_and_back_is_what_it_was(kind: type[WorkloadDraft], fields: dict[str, str]) -> None:
    assert readback.read(kind, text_of(kind, fields), fields) == fields


@MANY
@given(kind=KINDS, fields=forms())
def test_yaml_that_a_form_wrote_becomes_the_same_objects_in_an_empty_form(
    kind: type[WorkloadDraft], fields: dict[str, str]
) -> None:
    assume(len(set(names_of(fields))) == len(names_of(fields)))
    read = readback.read(kind, text_of(kind, fields), {"namespace": "shop"})

    assert objects_of(kind, read) == objects_of(kind, fields)


# What is typed as YAML


@st.composite
def edits(draw: st.DrawFn, obj: Any) -> Any:
    """`obj` with something taken away, changed or added somewhere."""
    if isinstance(obj, dict) and obj and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(obj)))
        if name not in ("apiVersion", "kind", "namespace", "metadata", "spec"):
            return {key: value for key, value in obj.items() if key != name}
        return {**obj, name: draw(edits(obj[name]))} if name in ("metadata", "spec") else obj
    if isinstance(obj, dict) and draw(st.booleans()):
        inner = [key for key in sorted(obj) if isinstance(obj[key], dict | list) and obj[key]]
        if inner:
            name = draw(st.sampled_from(inner))
            return {**obj, name: draw(edits(obj[name]))}
    if isinstance(obj, dict):
        more = st.sampled_from([{"deep": {"er": [1, 2]}}, "text", 7, True, None, [], {}, ["a", {"name": "b"}]])
        return {**obj, draw(st.sampled_from(["extra", "env", "ports", "lifecycle", "replicas", "labels"])): draw(more)}
    if isinstance(obj, list) and obj:
        at = draw(st.integers(0, len(obj) - 1))
        changed = draw(edits(obj[at])) if isinstance(obj[at], dict | list) else "other"
        return draw(st.sampled_from([obj[::-1], obj[:at], [*obj[:at], changed, *obj[at + 1 :]]]))
    return obj


@MANY
@given(kind=KINDS, fields=forms(), data=st.data())
def test_nothing_of_a_text_is_lost_in_the_form_whatever_it_says(
    kind: type[WorkloadDraft], fields: dict[str, str], data: st.DataObject
) -> None:
    assume(len(set(names_of(fields))) == len(names_of(fields)))
    objects = objects_of(kind, fields)
    place = next(number for number, one in enumerate(objects) if one["kind"] == kind.KIND)
    objects[place] = data.draw(edits(data.draw(edits(objects[place]))))
    typed = "---\n".join(manifests.text(one) for one in objects)

    read = readback.read(kind, typed, fields)

    assert readback.texts_alike(objects_of(kind, read), typed, "shop")


def edited(fields: dict[str, str], change: str, *, kind: type[WorkloadDraft] = DeploymentDraft) -> dict[str, str]:
    """The form after `change` (YAML) was put onto the workload's text."""
    objects = objects_of(kind, fields)
    _put(next(one for one in objects if one["kind"] == kind.KIND), yaml.safe_load(change))
    return readback.read(kind, "---\n".join(manifests.text(one) for one in objects), fields)


def _put(target: dict[str, Any], change: dict[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _put(target[name], value)
        else:
            target[name] = value


def test_a_field_changed_in_yaml_is_changed_in_the_form_and_what_was_typed_beside_it_stays() -> None:
    read = edited(WEB | {"max_surge": " 1 "}, "spec: {replicas: 5}")

    assert read == WEB | {"max_surge": " 1 ", "replicas": "5", "kept": "", "containers-0-origin": "app"}


def test_what_the_form_has_no_field_for_is_named_and_sent_as_it_stands() -> None:
    read = edited(WEB, "spec: {template: {spec: {hostname: one, securityContext: {runAsUser: 7}}}}")

    draft = DeploymentDraft.read(read | {"replicas": "9"})
    said = [change.words for change in draft.kept.changes]
    assert said == ["spec.template.spec.hostname", "spec.template.spec.securityContext.runAsUser"]
    (manifest,) = draft.manifests()
    assert manifest["spec"]["template"]["spec"]["securityContext"] == {"runAsUser": 7}
    assert manifest["spec"]["replicas"] == 9


def test_what_is_kept_of_a_container_follows_it_to_its_new_name() -> None:
    objects = objects_of(DeploymentDraft, WEB)
    objects[0]["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"runAsUser": 7}
    read = readback.read(DeploymentDraft, manifests.text(objects[0]), WEB)

    (manifest,) = DeploymentDraft.read(read | {"containers-0-name": "site"}).manifests()
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert (container["name"], container["securityContext"]) == ("site", {"runAsUser": 7})


def test_where_the_form_says_another_thing_later_the_form_counts_and_says_so() -> None:
    read = edited(WEB, "spec: {template: {metadata: {labels: {app: site}}}}")
    assert DeploymentDraft.read(read).overruled == []

    draft = DeploymentDraft.read(read | {"name": "shop-front"})
    assert [change.words for change in draft.overruled] == ["spec.template.metadata.labels.app"]
    assert draft.manifests()[0]["spec"]["template"]["metadata"]["labels"] == {"app": "shop-front"}


def test_other_objects_of_the_text_are_made_with_the_workload() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "site", "namespace": "shop"}, "data": {}}
    typed = manifests.text(config) + "---\n" + text_of(DeploymentDraft, WEB)
    draft = DeploymentDraft.read(readback.read(DeploymentDraft, typed, WEB))

    assert [part.title for part in draft.before()] == ["ConfigMap shop/site"]
    assert draft.everything[0] == config


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("kind: [", "expected"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "There is no Deployment in this text"),
        (text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}\n", None),
        (f"{text}---\n{text.replace('name: a', 'name: b')}", "Deployment shop/a (line 1), Deployment shop/b (line 6)"),
        (f"{text}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: c}}\n", "Namespace c at line 6: the form"),
        (f"{text}kind: Deployment\n", "kind stands there twice"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "it needs metadata and spec"),
    ],
)
def test_a_text_that_no_form_can_show_stays_yaml_and_says_why(typed: str, said: str | None) -> None:
    if said is None:
        assert readback.read(DeploymentDraft, typed, WEB)["name"] == "a"
        return
    with pytest.raises(StaysYaml, match=re.escape(said)):
        readback.read(DeploymentDraft, typed, WEB)
