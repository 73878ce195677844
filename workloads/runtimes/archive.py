"""The logs of containers that are gone, as files on this host.

    <root>/incoming/<pod uid>_<container>_<attempt>/   as it was taken from a container that is about to be removed
        life.json                                      whose it is and how it ended
        0.json, 1.json, ...                            Docker's own files, oldest first; or 0.text where only its API
                                                       could be asked
    <root>/kept/<account>/<namespace>/<pod uid>/<container>/<attempt>.gz      text, see `logtext`

Who removes a container takes its log with `keep`: hard links where that can be, so that nobody waits. The agent makes
text of it later (`settle`), notes it in its index and lets go of what was taken (`discard`). Every step shows all at
once or not at all, and may be done again.
"""

from __future__ import annotations

import errno
import gzip
import json
import logging
import os
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from workloads.meta import times
from workloads.meta.keys import Uid
from workloads.runtimes import logtext
from workloads.runtimes.base import RuntimeFault

logger = logging.getLogger(__name__)

BLOCK_BYTES = 4096
"""A file takes whole blocks of the disk, and so it is counted."""
FORSAKEN_SECONDS = 3600.0
CHUNK_BYTES = 64 * 1024
LOSSES_REMEMBERED = 1000
TEXT = "0.text"

_LEVEL = 4
_UNFINISHED = ".tmp-"


@dataclass(frozen=True)
class Life:
    """One attempt of one container, from its start to its end."""

    account: str
    namespace: str
    pod: str
    uid: Uid
    container: str
    attempt: int
    started: datetime | None
    finished: datetime | None
    exit_code: int | None
    oom_killed: bool = False


@dataclass(frozen=True)
class Measured:
    lines: int
    bytes: int
    """Of what the container wrote, without the times."""
    stored: int
    """Of the disk."""


class Archive:
    """`root` is made at need, for its owner alone: logs may hold anything."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._kept = root / "kept"
        self._lost: deque[tuple[Uid, str]] = deque(maxlen=LOSSES_REMEMBERED)
        self._lock = threading.Lock()

    # Who removes containers

    def keep(self, life: Life, take: Callable[[Path], None]) -> None:
        """`take` puts the log into a folder. What cannot be kept is told (`losses`) and holds nobody up."""
        place = self._taken_folder(life)
        unfinished = self._incoming / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            self._make(unfinished)
            take(unfinished)
            _write_life(life, unfinished)
            _rename(unfinished, place)
        except (OSError, RuntimeFault) as error:
            self._lose(life, error)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def losses(self, uid: Uid) -> list[str]:
        """What of the pod could not be kept by this process, and why, since this was asked last."""
        with self._lock:
            mine = [words for owner, words in self._lost if owner == uid]
            if mine:
                others = [one for one in self._lost if one[0] != uid]
                self._lost = deque(others, maxlen=LOSSES_REMEMBERED)
        return mine

    # Who keeps the index

    def waiting(self) -> list[Life]:
        """What was taken and is not in the index yet. What a crash left unfinished, or without a word whose it is, goes
        when it is old."""
        found = []
        for entry in self._folders():
            try:
                life = None if entry.name.startswith(_UNFINISHED) else _read_life(entry)
                if life is not None:
                    found.append(life)
                elif time.time() - entry.stat().st_mtime > FORSAKEN_SECONDS:
                    logger.warning("nobody knows whose the log %s is, which goes", entry)
                    shutil.rmtree(entry, ignore_errors=True)
            except FileNotFoundError:
                continue  # it got its name meanwhile, or was let go
            except OSError as error:
                logger.warning("the log %s cannot be looked at: %s", entry, error)
        return found

    def settle(self, life: Life) -> Measured:
        """Makes its text, the same when it is made again. Raises OSError; FileNotFoundError when what was taken was let
        go, maybe in the middle: then the text there is complete, and stays."""
        place = self._place(life)
        self._taken_folder(life).stat()
        self._make(place.parent)
        unfinished = place.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
        try:
            lines, written = _compress(self._taken(life), unfinished)
            self._taken_folder(life).stat()  # what is there still was there to the last line
            unfinished.rename(place)
        finally:
            unfinished.unlink(missing_ok=True)
        return Measured(lines, written - lines * logtext.STAMP, _on_disk(place))

    def discard(self, life: Life) -> None:
        """It is in the index now. It goes all at once: who makes text of it meanwhile sees that. Raises OSError."""
        leaving = self._incoming / f"{_UNFINISHED}{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):  # another was faster
            self._taken_folder(life).rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def remove(self, *, account: str, namespace: str, uid: str, container: str, attempt: int) -> None:
        """Its time is over. Raises OSError."""
        owner = self._kept / _quoted(account) / _quoted(namespace) / _quoted(uid)
        place = owner / _quoted(container) / f"{attempt}.gz"
        place.unlink(missing_ok=True)
        for folder in list(place.parents)[:4]:
            try:
                folder.rmdir()
            except OSError:  # something else is in it still
                return

    def files(self) -> Iterator[tuple[Uid, str, int, Path]]:
        """(pod, container, attempt, place) of every text, also of those no index knows."""
        for place in self._kept.glob("*/*/*/*/*.gz"):
            if place.stem.isdecimal():
                yield Uid(place.parent.parent.name), place.parent.name, int(place.stem), place

    # Who reads

    def attempts(self, uid: Uid, container: str) -> set[int]:
        """Those whose log is here."""
        texts = (place.stem for place in self._kept.glob(f"*/*/{_quoted(uid)}/{_quoted(container)}/*.gz"))
        taken = (entry.name.rpartition("_") for entry in self._folders())
        prefix = _name(uid, container, 0).rpartition("_")[0]
        found = {text for text in texts if text.isdecimal()}
        return {int(text) for text in (*found, *(number for owner, _, number in taken if owner == prefix))}

    def read(
        self,
        uid: Uid,
        container: str,
        attempt: int,
        *,
        account: str | None = None,
        tail: int | None = None,
        since: datetime | None = None,
        timestamps: bool = False,
    ) -> Reading:
        """Raises KeyError when it is not here (any more), or not the account's, if that is said."""
        place = self._found(uid, container, attempt, account=account)
        if place is None:
            life = _read_life(self._incoming / _name(uid, container, attempt))
            if life is not None and account in (None, life.account):
                with suppress(FileNotFoundError):  # the index was faster, and let go of what was taken
                    self.settle(life)
            place = self._found(uid, container, attempt, account=account)
        if place is None:
            raise KeyError(container)
        return Reading(place, tail=tail, since=since, timestamps=timestamps)

    # Behind it

    def _make(self, folder: Path) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(parents=True, exist_ok=True)

    def _found(self, uid: Uid, container: str, attempt: int, *, account: str | None) -> Path | None:
        owner = "*" if account is None else _quoted(account)
        return next(self._kept.glob(f"{owner}/*/{_quoted(uid)}/{_quoted(container)}/{attempt}.gz"), None)

    def _folders(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return sorted(self._incoming.iterdir())
        return []

    def _place(self, life: Life) -> Path:
        owner = self._kept / _quoted(life.account) / _quoted(life.namespace) / _quoted(life.uid)
        return owner / _quoted(life.container) / f"{life.attempt}.gz"

    def _taken_folder(self, life: Life) -> Path:
        return self._incoming / _name(life.uid, life.container, life.attempt)

    def _taken(self, life: Life) -> Iterator[bytes]:
        folder = self._taken_folder(life)
        text = folder / TEXT
        return _pieces(text) if text.exists() else logtext.of_json(_entries(folder))

    def _lose(self, life: Life, error: Exception) -> None:
        why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        words = f"The log of container {life.container} (attempt {life.attempt}) could not be kept: {why}"
        logger.warning("pod %s/%s: %s", life.namespace, life.pod, words)
        with self._lock:
            self._lost.append((life.uid, words))


class Reading:
    """A kept log, read in pieces: whatever its size, no more of it is held than a piece. See `base.LogStream`."""

    def __init__(self, place: Path, *, tail: int | None, since: datetime | None, timestamps: bool) -> None:
        try:
            self._file = gzip.open(place, "rb")  # noqa: SIM115 it stays open for as long as it is read
        except FileNotFoundError:
            raise KeyError(place.stem) from None
        self._closed = False
        self._pieces = self._read(tail=tail, since=since, cut=0 if timestamps else logtext.STAMP)

    def __iter__(self) -> Reading:
        return self

    def __next__(self) -> bytes:
        if self._closed:
            raise StopIteration
        return next(self._pieces)

    def close(self) -> None:
        """A reader in the middle of a piece has that one still."""
        self._closed = True

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def _read(self, *, tail: int | None, since: datetime | None, cut: int) -> Iterator[bytes]:
        skip = 0
        if tail is not None:
            skip = max(0, sum(1 for _ in logtext.chosen(self._file, since=since)) - tail)
            self._file.seek(0)
        gathered = bytearray()
        for line in logtext.chosen(self._file, since=since, skip=skip):
            gathered += line[cut:]
            if len(gathered) >= CHUNK_BYTES:
                yield bytes(gathered)
                gathered.clear()
        self._file.close()
        if gathered:
            yield bytes(gathered)


def attempt_of(
    live: Collection[int], archived: Callable[[], Collection[int]], *, previous: bool, attempt: int | None
) -> int:
    """Which attempt is meant: the newest, the one before it, or the one that is named. Raises KeyError."""
    if attempt is not None:
        return attempt
    known = live or archived()
    if not known or max(known) < previous:
        raise KeyError("no attempt")
    return max(known) - previous


def link_or_copy(source: Path, target: Path) -> None:
    """Docker's own file under a second name, so that its removal leaves it. Where the file systems differ, or are
    mounted apart, it is copied. Raises OSError."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        shutil.copyfile(source, target)


def _compress(pieces: Iterator[bytes], place: Path) -> tuple[int, int]:
    """(lines, bytes)."""
    lines = size = 0
    ended = True
    with ExitStack() as stack:
        raw = stack.enter_context(place.open("xb"))
        place.chmod(0o600)
        out = stack.enter_context(gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0))
        buffer = bytearray()
        for piece in pieces:
            lines += piece.count(b"\n")
            size += len(piece)
            ended = piece.endswith(b"\n")
            buffer += piece
            if len(buffer) >= CHUNK_BYTES:
                out.write(buffer)
                buffer.clear()
        out.write(buffer)
    return lines + (not ended), size


def _entries(folder: Path) -> Iterator[bytes]:
    """Of Docker's files, oldest first."""
    for file in sorted(folder.glob("[0-9]*.json"), key=lambda one: int(one.stem)):
        with file.open("rb") as entries:
            yield from entries


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as text:
        yield from iter(lambda: text.read(CHUNK_BYTES), b"")


def _rename(unfinished: Path, place: Path) -> None:
    """It is there already when a crash came between this and the container's removal: then it is the same."""
    try:
        unfinished.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _on_disk(place: Path) -> int:
    return -(-place.stat().st_size // BLOCK_BYTES) * BLOCK_BYTES


def _name(uid: str, container: str, attempt: int) -> str:
    return f"{_quoted(uid)}_{_quoted(container)}_{attempt}"


def _quoted(text: str) -> str:
    """As one name below a folder, whatever it is."""
    return quote(text, safe="") if text.strip(".") else f"%2E{text[1:]}"


def _written(life: Life) -> str:
    facts = asdict(life)
    for name in ("started", "finished"):
        facts[name] = times.format_micro(facts[name]) if facts[name] else None
    return json.dumps(facts)


def _write_life(life: Life, folder: Path) -> None:
    """On the disk before the folder gets its name: a power cut must not leave a log that nobody's name is on."""
    with (folder / "life.json").open("w") as file:
        file.write(_written(life))
        file.flush()
        os.fsync(file.fileno())


def _read_life(folder: Path) -> Life | None:
    """None when it is not there, or torn. Raises OSError."""
    try:
        facts = json.loads((folder / "life.json").read_text())
        for name in ("started", "finished"):
            facts[name] = times.parse(facts[name]) if facts[name] else None
        return Life(**facts)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
