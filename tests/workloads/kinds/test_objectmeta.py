"""Metadata: the same rules for every kind."""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta

OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}


def fields(**metadata: Any) -> list[str]:
    return [cause.field for cause in objectmeta.validate({"metadata": {"name": "web", **metadata}})]


def test_plain_metadata_is_right() -> None:
    assert (
        fields(
            labels={"app": "web"},
            annotations={"Example.com/Note": "ä\n"},
            ownerReferences=[OWNER],
            finalizers=["a.b/c"],
        )
        == []
    )


def test_names_labels_annotations_and_finalizers_obey_their_rules() -> None:
    found = fields(name="Web", labels={"-": "a b"}, annotations={"a/b/c": ""}, finalizers=["", "ok"])
    assert found == [
        "metadata.name",
        "metadata.labels",
        "metadata.labels[-]",
        "metadata.annotations",
        "metadata.finalizers[0]",
    ]


def test_a_generated_name_is_judged_by_its_base() -> None:
    assert fields(generateName="web-") == fields(generateName="a" * 100) == []
    assert fields(generateName="Web-") == ["metadata.generateName"]


def test_annotations_are_bounded() -> None:
    (cause,) = objectmeta.validate({"metadata": {"name": "a", "annotations": {"a": "ä" * 131_072}}})
    assert cause.message == "Too long: may not be more than 262144 bytes"


def test_an_owner_is_named_in_full_and_one_controls() -> None:
    assert fields(ownerReferences=[{**OWNER, "uid": "", "kind": ""}]) == [
        "metadata.ownerReferences[0].kind",
        "metadata.ownerReferences[0].uid",
    ]
    assert fields(ownerReferences=[OWNER, OWNER]) == ["metadata.ownerReferences"]


def test_an_owner_that_nothing_could_be_called_is_refused() -> None:
    for part, wrong in {
        "apiVersion": ("/v1", "a/b/v1", "v1\0"),
        "kind": ("Replica/Set", "ä", "K" * 64),
        "name": ("a/b", "\0", "a" * 254, "../web"),
        "uid": ("\0", "u/1", "1" * 37),
    }.items():
        for value in wrong:
            assert fields(ownerReferences=[{**OWNER, part: value}]) == [f"metadata.ownerReferences[0].{part}"], value
