"""Which ReplicaSet carries the Deployment's template, what it is called, and the numbers of the history. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import orjson

from workloads.controllers import owners
from workloads.kinds import sleeping

JSON = dict[str, Any]

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"

_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
    *sleeping.MARKS,
}
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10
_HISTORY_LIMIT = 2000


def template_hash(template: JSON, *, collisions: int) -> str:
    """The same for the same template, for ever; made of letters that spell no words."""
    text = orjson.dumps([_plain(template), collisions], option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
    letters = []
    for _ in range(_HASH_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def is_of(deployment: JSON, replicaset: JSON) -> bool:
    """Does the ReplicaSet carry the Deployment's template? Its own hash label does not count."""
    return _plain(deployment["spec"]["template"]) == _plain(replicaset["spec"]["template"])


def find_new(deployment: JSON, replicasets: Iterable[JSON]) -> JSON | None:
    """The oldest one with the template, so that everybody finds the same."""
    return next((one for one in by_age(replicasets) if is_of(deployment, one)), None)


def by_age(replicasets: Iterable[JSON]) -> list[JSON]:
    """Oldest first."""
    return sorted(replicasets, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))


def revision_of(obj: JSON) -> int:
    """0 where there is no number (yet)."""
    return number(annotations_of(obj).get(REVISION, ""))


def number(text: str) -> int:
    """What an annotation says, which anybody may write: 0 for what is no number, or no sensible one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def next_revision(old: Iterable[JSON]) -> int:
    return max((revision_of(one) for one in old), default=0) + 1


def annotations_of(obj: JSON) -> dict[str, str]:
    return dict(obj["metadata"].get("annotations") or {})


def annotations_for(deployment: JSON, before: dict[str, str], *, revision: int) -> dict[str, str]:
    """What the new ReplicaSet shall carry: the Deployment's annotations and its revision. One that had a smaller number
    is being rolled back to: its old numbers stay in its history."""
    after = dict(before)
    after.update({name: text for name, text in annotations_of(deployment).items() if name not in _NOT_COPIED})
    known = before.get(REVISION, "")
    if number(known) >= revision:
        return after
    after[REVISION] = str(revision)
    if known:
        after[HISTORY] = _with_history(before.get(HISTORY, ""), known)
    return after


def size_annotations(*, replicas: int, surge: int) -> dict[str, str]:
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + surge)}


def replicaset_for(deployment: JSON, *, hash: str, replicas: int, annotations: dict[str, str]) -> JSON:
    """The manifest of the ReplicaSet that is to carry the template."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    template = deepcopy(spec["template"])
    labels = {**(template.get("metadata") or {}).get("labels", {}), HASH_LABEL: hash}
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
    selector = deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{hash}",
            "namespace": metadata["namespace"],
            "labels": dict(labels),
            "annotations": annotations,
            "ownerReferences": [owners.reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": int(spec.get("minReadySeconds", 0)),
            "selector": selector,
            "template": template,
        },
    }


def beyond_history(old: Iterable[JSON], *, limit: int) -> list[JSON]:
    """Old ReplicaSets that need not be kept: the lowest revisions beyond the limit, where nothing runs any more."""
    kept = [one for one in old if not owners.is_deleting(one)]
    surplus = sorted(kept, key=revision_of)[: max(0, len(kept) - limit)]
    return [one for one in surplus if _is_idle(one)]


def _is_idle(replicaset: JSON) -> bool:
    status = replicaset.get("status") or {}
    seen = status.get("observedGeneration", 0) >= replicaset["metadata"].get("generation", 1)
    return seen and not status.get("replicas") and not replicaset["spec"].get("replicas")


def _with_history(history: str, revision: str) -> str:
    numbers = [number for number in history.split(",") if number] + [revision]
    while len(",".join(numbers)) > _HISTORY_LIMIT:
        del numbers[0]
    return ",".join(numbers)


def _plain(template: JSON) -> JSON:
    """Labels (but for the hash), annotations and spec: what makes a template another one."""
    metadata = template.get("metadata") or {}
    labels = {name: text for name, text in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    return {"labels": labels, "annotations": metadata.get("annotations") or {}, "spec": template.get("spec") or {}}
