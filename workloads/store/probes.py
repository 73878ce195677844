"""What the probes of running containers say, where it differs from what is assumed without a word: one row a (pod,
container, probe), about the container's newest attempt.

The agent writes a row when the word changes, never for each probe; the pods controller reads it. The pod's status is
written by the controller alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from workloads.meta.keys import Uid
from workloads.store.models import ProbeWord
from workloads.store.writing import write


@dataclass(frozen=True)
class Word:
    """`probe` is startup, liveness or readiness; `passes` since `at`, by the runtime's clock."""

    uid: Uid
    container: str
    probe: str
    attempt: int
    passes: bool
    at: datetime


def put(word: Word) -> None:
    facts = {"attempt": word.attempt, "passes": word.passes, "at": word.at}
    with write():
        ProbeWord.objects.update_or_create(uid=word.uid, container=word.container, probe=word.probe, defaults=facts)


def of(uid: Uid) -> list[Word]:
    """All that is known of one pod."""
    return [_word(row) for row in ProbeWord.objects.filter(uid=uid)]


def every() -> list[Word]:
    return [_word(row) for row in ProbeWord.objects.all()]


def forget(uids: Collection[str]) -> None:
    """Of pods that are gone."""
    known = ProbeWord.objects.filter(uid__in=list(uids))
    if not known.exists():  # a look is free, a write transaction is not
        return
    with write():
        known.delete()


def _word(row: ProbeWord) -> Word:
    return Word(
        uid=Uid(row.uid),
        container=row.container,
        probe=row.probe,
        attempt=row.attempt,
        passes=row.passes,
        at=row.at,
    )
