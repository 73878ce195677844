"""The store takes bytes and gives bytes back, at the right revision, or says who was first."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from tests.workloads.store.drafts import draft, revision_in
from workloads.meta.keys import Key
from workloads.store import changes, objects

pytestmark = pytest.mark.django_db


class NoRoom(Exception):
    """What a quota would raise."""


def refuse() -> None:
    raise NoRoom


def test_a_new_object_comes_back_as_it_went_in_with_its_revision():
    row = objects.insert(draft("web", labels={"app": "web"}, phase="Pending", spec={"replicas": 2}))

    assert objects.read(row.key) == row
    assert objects.read_uid(row.uid) == row
    assert revision_in(row.data) == row.revision == changes.head()
    assert orjson.loads(row.data)["spec"] == {"replicas": 2}


def test_a_second_object_of_the_same_key_is_refused_and_leaves_no_trace():
    first = objects.insert(draft("web"))

    with pytest.raises(objects.Exists):
        objects.insert(draft("web"))

    assert objects.read(first.key) == first
    assert changes.head() == first.revision


def test_the_same_name_may_be_used_by_another_account_namespace_and_kind():
    for differently in ({"account": "other"}, {"namespace": "test"}, {"kind": "Service"}, {}):
        objects.insert(draft("web", **differently))

    assert objects.count("Pod") == 3
    assert objects.count("Pod", account="acme") == 2
    assert objects.count("Pod", account="acme", namespace="shop") == 1


def test_an_update_replaces_everything_but_the_uid_and_the_creation_time():
    first = objects.insert(draft("web", phase="Pending"))

    second = objects.update(
        draft("web", uid=first.uid, phase="Running", labels={"a": "b"}, deleting=True),
        expected_revision=first.revision,
    )

    assert second.revision > first.revision
    assert objects.read(first.key) == second
    assert (second.phase, second.labels, second.deleting) == ("Running", {"a": "b"}, True)


def test_an_update_of_what_has_changed_since_is_stale():
    first = objects.insert(draft("web"))
    second = objects.update(draft("web", uid=first.uid), expected_revision=first.revision)

    with pytest.raises(objects.Stale):
        objects.update(draft("web", uid=first.uid, phase="Failed"), expected_revision=first.revision)
    with pytest.raises(objects.Stale):
        objects.remove(draft("web", uid=first.uid), expected_revision=first.revision)

    assert objects.read(first.key) == second
    assert changes.head() == second.revision


def test_what_is_not_there_cannot_be_read_updated_or_removed():
    with pytest.raises(objects.Missing):
        objects.read(Key("acme", "Pod", "shop", "web"))
    with pytest.raises(objects.Missing):
        objects.read_uid("f3a0")
    with pytest.raises(objects.Missing):
        objects.update(draft("web"), expected_revision=1)
    with pytest.raises(objects.Missing):
        objects.remove(draft("web"), expected_revision=1)


def test_a_text_no_database_can_hold_is_in_no_row():
    objects.insert(draft("web"))

    with pytest.raises(objects.Missing):
        objects.read(Key("acme", "Pod", "shop", "web\0"))
    assert objects.scan("Pod", name="\0").rows == []
    assert objects.scan("Pod", after=("acme", "\0", ""), limit=1).rows == []
    assert objects.count("Pod", namespace="\0") == 0


def test_a_removal_logs_the_last_state_at_its_own_revision():
    row = objects.insert(draft("web"))

    revision = objects.remove(draft("web", uid=row.uid, status={"phase": "Succeeded"}), expected_revision=row.revision)

    [entry] = changes.after(row.revision)
    assert entry.revision == revision == revision_in(entry.data) == changes.head()
    assert orjson.loads(entry.data)["status"] == {"phase": "Succeeded"}
    assert entry.previous == row.data
    assert objects.count("Pod") == 0


def test_every_entry_of_the_log_has_the_state_before_and_after():
    first = objects.insert(draft("web", phase="Pending"))
    second = objects.update(draft("web", uid=first.uid, phase="Running"), expected_revision=first.revision)
    objects.remove(draft("web", uid=first.uid), expected_revision=second.revision)

    added, modified, deleted = changes.after(0)

    assert [entry.type for entry in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert (added.previous, added.data) == (None, first.data)
    assert (modified.previous, modified.data) == (first.data, second.data)
    assert deleted.previous == second.data
    assert {(entry.key, entry.uid) for entry in (added, modified, deleted)} == {(first.key, first.uid)}


def test_rows_are_found_by_phase_and_place_in_the_order_they_were_made():
    first = objects.insert(replace(draft("z", phase="Running"), node="n"))
    second = objects.insert(replace(draft("a", account="other", phase="Pending"), node="n"))
    objects.insert(replace(draft("over", phase="Failed"), node="n"))
    waiting = objects.insert(draft("waits", phase="Pending", deleting=True))

    assert objects.uids("Pod", phases=("Pending", "Running"), placed=True) == [first.uid, second.uid]
    [brief] = objects.briefs("Pod", phases=("Pending",), placed=False)
    assert (brief.key, brief.uid, brief.created, brief.deleting) == (waiting.key, waiting.uid, waiting.created, True)


def test_rows_are_read_by_their_uids_and_those_that_are_gone_are_left_out():
    rows = [objects.insert(draft(name)) for name in ("a", "b")]

    found = objects.read_uids([rows[0].uid, "gone", rows[1].uid])
    assert sorted(row.key.name for row in found) == ["a", "b"]
    assert objects.read_uids([]) == []


def test_a_guard_that_refuses_leaves_nothing_written():
    with pytest.raises(NoRoom):
        objects.insert(draft("web"), guards=[refuse])
    row = objects.insert(draft("web"))
    with pytest.raises(NoRoom):
        objects.update(draft("web", uid=row.uid), expected_revision=row.revision, guards=[refuse])

    assert objects.read(row.key) == row
    assert changes.head() == row.revision


def test_a_guard_sees_what_was_written_before_it():
    seen: list[int] = []

    objects.insert(draft("a"), guards=[lambda: seen.append(objects.count("Pod"))])
    objects.insert(draft("b"), guards=[lambda: seen.append(objects.count("Pod"))])

    assert seen == [0, 1]


def test_data_of_any_shape_comes_out_with_its_revision_first_in_metadata():
    odd = b'{"spec":{"template":{"metadata":{"resourceVersion":"7"}}},"metadata":{"name":"web"},"kind":"Pod"}'
    given = draft("web")

    row = objects.insert(objects.Draft(**{**vars(given), "data": odd}))

    assert revision_in(row.data) == row.revision
    assert orjson.loads(row.data)["spec"]["template"]["metadata"]["resourceVersion"] == "7"
    assert objects.read(row.key).data == row.data


def test_a_scan_is_ordered_by_the_bytes_of_account_namespace_and_name():
    keys = [("b", "x", "n"), ("a", "y", "a"), ("a", "x", "b-1"), ("a", "x", "b.0"), ("a", "x", "bb"), ("a", "x", "b")]
    for account, namespace, name in keys:
        objects.insert(draft(name, account=account, namespace=namespace))

    found = [(row.key.account, row.key.namespace, row.key.name) for row in objects.scan("Pod").rows]

    assert found == sorted(keys)


def test_a_scan_in_pages_gives_every_row_once_and_says_how_many_are_left():
    for number in range(7):
        objects.insert(draft(f"pod-{number}", namespace=f"ns-{number % 2}"))

    pages, after = [], None
    while not pages or pages[-1].remaining:
        pages.append(objects.scan("Pod", account="acme", after=after, limit=3))
        last = pages[-1].rows[-1].key
        after = (last.account, last.namespace, last.name)

    assert [page.remaining for page in pages] == [4, 1, 0]
    assert [row for page in pages for row in page.rows] == objects.scan("Pod").rows


def test_a_scan_can_ask_for_an_owner_a_phase_or_what_is_being_deleted():
    objects.insert(draft("a", owner_uid="web-1", phase="Running"))
    objects.insert(draft("b", owner_uid="web-1", phase="Pending"))
    objects.insert(draft("c", deleting=True))

    def names(**asked: object) -> list[str]:
        return [row.key.name for row in objects.scan("Pod", **asked).rows]  # type: ignore[arg-type]

    assert names(owner_uid="web-1") == ["a", "b"]
    assert names(phase="Pending") == ["b"]
    assert names(deleting=True) == ["c"]
    assert names(deleting=False) == ["a", "b"]
    assert names(name="c", namespace="shop") == ["c"]


def test_a_scan_that_finds_nothing_still_says_where_to_watch_from():
    row = objects.insert(draft("web"))

    assert objects.scan("Service") == objects.Page([], revision=row.revision, remaining=0)
    assert objects.scan("Service", limit=5) == objects.Page([], revision=row.revision, remaining=0)


def test_revisions_never_go_back_even_when_everything_was_removed():
    first = objects.insert(draft("web"))
    gone = objects.remove(draft("web", uid=first.uid), expected_revision=first.revision)

    again = objects.insert(draft("web"))

    assert first.revision < gone < again.revision


def test_a_scan_can_leave_out_what_does_not_contain_certain_bytes():
    objects.insert(draft("owned", spec={"owner": "50% of web"}))
    objects.insert(draft("free", spec={"owner": "nobody"}))

    def names(*containing: bytes) -> list[str]:
        return [row.key.name for row in objects.scan("Pod", containing=containing).rows]

    assert names(b'"50% of web"') == ["owned"]
    assert names(b'"owner"', b"nobody") == ["free"]
    assert names(b"somebody") == []
    assert len(names()) == 2
