"""`python -m tests.billing.metering <lives> <seed>`: short lives, metered by processes that are killed.

A world of its own in `CCI_DATA_DIR` (or `DATABASE_URL`): the log of many pods that live 1 to 60 s is written first.
Then one process after another meters it, each a fork of this one, and each is killed with SIGKILL at a random moment;
the last is left to finish. What a kill leaves behind is all that the next one knows.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from typing import Any

SHORTEST, LONGEST = 0.02, 0.22
"""Seconds for which a meter lives. Less than the whole takes, so that many are killed; more than a batch takes."""
MOST_KILLS = 60
BATCH = 100


def main(lives: int, seed: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    chance = random.Random(seed)
    truth = _write_lives(chance, lives)
    connections.close_all()
    kills = 0
    while kills < MOST_KILLS and not _killed_or_done(chance.uniform(SHORTEST, LONGEST)):
        kills += 1
    if kills == MOST_KILLS:
        _killed_or_done(600)
    sys.stdout.write(json.dumps({"kills": kills, **_compared(truth)}) + "\n")


def _killed_or_done(seconds: float) -> bool:
    """Whether the meter had read the whole log before it was killed."""
    child = os.fork()
    if not child:
        _meter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, code = os.waitpid(child, os.WNOHANG)
        if found:
            assert code == 0, f"the meter ended by itself with {code}"
            return True
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0


def _meter() -> None:
    from billing import meter

    try:
        while meter.read_once(limit=BATCH):
            pass
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def _write_lives(chance: random.Random, count: int) -> dict[str, int]:
    """The seconds each pod must be billed."""
    from billing import instants
    from billing.instants import SECOND
    from tests.billing.lives import START, Pod
    from workloads.store.models import Change

    steps: list[tuple[int, Pod, str, dict[str, int]]] = []
    truth = {}
    for number in range(count):
        pod = Pod(uid=f"uid-{number}", name=f"pod-{number}")
        begun, length = START + chance.randint(0, 7200 * SECOND), chance.randint(SECOND, 60 * SECOND)
        truth[pod.uid] = -(-length // SECOND)
        steps.append((begun, pod, "MODIFIED", {"pullStartedAt": begun}))
        steps.append((begun + length // 2, pod, "MODIFIED", {"startedAt": begun + 1}))
        steps.append((begun + length, pod, "MODIFIED", {"finishedAt": begun + length}))
        steps.append((begun + length + SECOND, pod, "DELETED", {}))
    rows = []
    for revision, (at, pod, kind, marks) in enumerate(sorted(steps, key=lambda step: step[0]), start=1):
        pod.marks.update(marks)
        entry: Any = pod.entry(kind, revision=revision, at=at)  # type: ignore[arg-type]
        rows.append(
            Change(
                revision=revision,
                type=kind,
                uid=entry.uid,
                data=entry.data,
                at=instants.moment(at),
                **entry.key._asdict(),
            )
        )
    Change.objects.bulk_create(rows, batch_size=2000)
    return truth


def _compared(truth: dict[str, int]) -> dict[str, int]:
    from django.db.models import Sum

    from billing.models import DayTotal, UsageSegment

    told = dict(UsageSegment.objects.values_list("pod_uid").annotate(Sum("seconds")).order_by())
    return {
        "wrong": sum(told.get(uid, 0) != seconds for uid, seconds in truth.items()) + len(set(told) - set(truth)),
        "ledger": sum(told.values()),
        "days": DayTotal.objects.aggregate(total=Sum("seconds"))["total"] or 0,
        "truth": sum(truth.values()),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
