"""Logs of containers that are gone: what is taken, made text of, read; and a crash after any of it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from workloads.meta.keys import Uid
from workloads.runtimes import archive as archives
from workloads.runtimes import logtext
from workloads.runtimes.archive import Archive, Life

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LIFE = Life("acme", "shop", "web-1", Uid("u-1"), "app", 0, NOON, NOON, exit_code=1)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "logs")


def entry(text: str, second: int = 0, fraction: str = "5") -> bytes:
    return orjson.dumps({"log": text, "stream": "stdout", "time": f"2026-05-04T12:00:{second:02}.{fraction}Z"}) + b"\n"


def take(archive: Archive, *entries: bytes, life: Life = LIFE) -> None:
    archive.keep(life, lambda folder: (folder / "0.json").write_bytes(b"".join(entries)) and None)


def read(archive: Archive, life: Life = LIFE, **options: Any) -> bytes:
    return b"".join(archive.read(life.uid, life.container, life.attempt, **options))


# The text


def test_a_line_that_docker_cut_into_pieces_is_one_line_with_one_time(archive: Archive) -> None:
    take(archive, entry("one "), entry("line\n", 1), entry("two\n", 2))
    assert read(archive, timestamps=True) == (
        b"2026-05-04T12:00:00.500000000Z one line\n2026-05-04T12:00:02.500000000Z two\n"
    )


def test_an_entry_that_was_torn_is_left_out_and_the_rest_is_read(archive: Archive) -> None:
    take(archive, entry("one\n"), b'{"log":"tw\n', entry("three\n"), b"\0\0\0")
    assert read(archive) == b"one\nthree\n"


def test_a_last_line_without_an_end_has_none(archive: Archive) -> None:
    take(archive, entry("one\n"), entry("prompt> "))
    assert read(archive) == b"one\nprompt> "
    assert archive.settle(LIFE).lines == 2
    assert archive.settle(LIFE).bytes == len("one\nprompt> ")


def test_times_choose_to_the_microsecond(archive: Archive) -> None:
    take(archive, *(entry(f"{number}\n", number) for number in range(5)))
    since = NOON.replace(second=2, microsecond=500_000)
    assert read(archive, since=since) == b"2\n3\n4\n"
    assert read(archive, since=since.replace(microsecond=500_001)) == b"3\n4\n"
    assert read(archive, since=since, tail=1) == b"4\n"
    assert read(archive, tail=99) == b"0\n1\n2\n3\n4\n"


def test_what_the_api_tells_with_times_is_the_same_text() -> None:
    pieces = [b"2026-05-04T12:00:00.500000000Z one ", b"2026-05-04T12:00:01.500000000Z line\n"]
    assert b"".join(logtext.of_stamped(pieces)) == b"2026-05-04T12:00:00.500000000Z one line\n"


def test_files_that_docker_rotated_are_one_log_whatever_was_cut_between_them(archive: Archive) -> None:
    def rotated(folder: Path) -> None:
        (folder / "0.json").write_bytes(entry("one\n") + entry("tw"))
        (folder / "1.json").write_bytes(entry("o\n") + entry("three\n"))

    archive.keep(LIFE, rotated)
    assert read(archive) == b"one\ntwo\nthree\n"


# Crashes


def test_a_log_that_is_taken_again_is_not_doubled(archive: Archive) -> None:
    for _ in range(2):
        take(archive, entry("one\n"))
    assert archive.waiting() == [LIFE]
    assert read(archive) == b"one\n"


def test_text_that_is_made_again_is_the_same(archive: Archive) -> None:
    take(archive, entry("one\n"))
    measured = archive.settle(LIFE)
    assert archive.settle(LIFE) == measured
    assert (measured.lines, measured.bytes, measured.stored) == (1, 4, archives.BLOCK_BYTES)
    assert len(list(archive.files())) == 1


def test_what_was_not_taken_wholly_is_nothing_and_goes_when_it_is_old(archive: Archive, tmp_path: Path) -> None:
    left = tmp_path / "logs" / "incoming" / ".tmp-1"
    left.mkdir(parents=True)
    assert archive.waiting() == []
    assert left.exists()
    old = time.time() - archives.FORSAKEN_SECONDS - 1
    os.utime(left, (old, old))
    assert archive.waiting() == []
    assert not left.exists()


@pytest.mark.parametrize("torn", ["", '{"account": "ac', "[]", "{}", '{"started": "noon", "finished": null}'])
def test_a_log_whose_owner_a_power_cut_tore_holds_nobody_up_and_goes_when_it_is_old(
    archive: Archive, tmp_path: Path, torn: str
) -> None:
    take(archive, entry("one\n"))
    other = replace(LIFE, uid=Uid("u-2"))
    take(archive, entry("two\n"), life=other)
    folder = tmp_path / "logs" / "incoming" / "u-1_app_0"
    (folder / "life.json").write_text(torn)
    assert (archive.waiting(), folder.exists()) == ([other], True)
    with pytest.raises(KeyError):
        archive.read(LIFE.uid, "app", 0)
    old = time.time() - archives.FORSAKEN_SECONDS - 1
    os.utime(folder, (old, old))
    assert (archive.waiting(), folder.exists()) == ([other], False)


def test_a_folder_that_gets_its_name_while_one_looks_is_no_fault(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(archive, entry("one\n"))
    gone = archive._incoming / ".tmp-1"
    monkeypatch.setattr(archive, "_folders", lambda: [gone, archive._incoming / "u-1_app_0"])
    assert archive.waiting() == [LIFE]


def test_text_is_not_made_anew_of_what_was_let_go(archive: Archive) -> None:
    take(archive, entry("one\n"))
    archive.settle(LIFE)
    archive.discard(LIFE)
    with pytest.raises(FileNotFoundError):
        archive.settle(LIFE)
    assert read(archive) == b"one\n"


def test_what_is_let_go_while_text_is_made_of_it_leaves_the_complete_text(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(archive, entry("one\n"))
    archive.settle(LIFE)
    compress = archives._compress

    def overtaken(pieces: Any, place: Path) -> tuple[int, int]:
        archive.discard(LIFE)
        return compress(pieces, place)

    monkeypatch.setattr(archives, "_compress", overtaken)
    with pytest.raises(FileNotFoundError):
        archive.settle(LIFE)
    assert read(archive) == b"one\n"


def test_a_log_is_read_whether_it_is_taken_settled_or_let_go(archive: Archive) -> None:
    take(archive, entry("one\n"))
    assert archive.attempts(LIFE.uid, "app") == {0}
    assert read(archive) == b"one\n"
    archive.settle(LIFE)
    archive.discard(LIFE)
    assert archive.attempts(LIFE.uid, "app") == {0}
    assert read(archive) == b"one\n"
    assert archive.waiting() == []


def test_a_log_that_is_removed_leaves_no_folder(archive: Archive, tmp_path: Path) -> None:
    take(archive, entry("one\n"))
    archive.settle(LIFE)
    archive.discard(LIFE)
    for _ in range(2):
        archive.remove(account="acme", namespace="shop", uid="u-1", container="app", attempt=0)
    assert list((tmp_path / "logs" / "kept").rglob("*")) == []
    with pytest.raises(KeyError):
        archive.read(LIFE.uid, "app", 0)


def test_a_reader_goes_on_when_the_log_is_removed_under_it(archive: Archive) -> None:
    take(archive, entry("one\n"))
    archive.settle(LIFE)
    archive.discard(LIFE)
    reading = archive.read(LIFE.uid, "app", 0, tail=10)
    archive.remove(account="acme", namespace="shop", uid="u-1", container="app", attempt=0)
    assert b"".join(reading) == b"one\n"


def test_a_reader_that_is_closed_reads_no_further(archive: Archive) -> None:
    take(archive, *(entry("x" * 1000 + "\n") for _ in range(200)))
    reading = archive.read(LIFE.uid, "app", 0)
    assert len(next(reading)) >= archives.CHUNK_BYTES
    reading.close()
    assert list(reading) == []


# Names


@pytest.mark.parametrize("account", ["..", ".", "../../etc", "a/b", "*", "[x]", "名"])
def test_whatever_an_account_is_called_its_logs_stay_in_their_place(
    archive: Archive, tmp_path: Path, account: str
) -> None:
    life = replace(LIFE, account=account)
    take(archive, entry("one\n"), life=life)
    archive.settle(life)
    archive.discard(life)
    assert read(archive, life) == b"one\n"
    assert [one.name for one in tmp_path.iterdir()] == ["logs"]
    assert len(list((tmp_path / "logs" / "kept").glob("*/shop/u-1/app/0.gz"))) == 1


def test_attempts_of_another_container_or_pod_are_not_its_own(archive: Archive) -> None:
    for life in (replace(LIFE, container="app-2"), replace(LIFE, uid=Uid("u-12")), replace(LIFE, attempt=7)):
        take(archive, entry("one\n"), life=life)
    assert archive.attempts(LIFE.uid, "app") == {7}


def test_only_its_owner_may_read_what_is_kept(archive: Archive, tmp_path: Path) -> None:
    take(archive, entry("one\n"))
    archive.settle(LIFE)
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0
    assert next(file for *_, file in archive.files()).stat().st_mode & 0o077 == 0
