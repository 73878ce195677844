"""The proof of a statement: from the pods' own times to its lines, each step computed anew. Nothing is written.

1. The ledger says what the pods' lives say, pod by pod and hour by hour (`recompute`).
2. The days' totals are the sums of the ledger's segments (`daytotals.prove`).
3. The lines of a closed month are what those totals come to.

Somebody waits for it, so what is asked at once is bounded: a period of more than `MOST` segments is proven by its days,
or on the host.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from billing import daytotals, recompute, statements
from billing.recompute import Report
from billing.statements import Bill, BillLine, Period

MOST = 100_000
"""Segments."""


class ProofTooLong(Exception):
    """The period has more segments than are computed while somebody waits."""

    def __init__(self, period: Period, segments: int) -> None:
        by_day = "ask for one of its days, or prove it on the host" if period.is_month else "prove it on the host"
        super().__init__(
            f"{period.name} has {segments:,} segments, and {MOST:,} at most are computed while somebody waits: {by_day}"
            f" with manage.py recompute_ledger --period {period.name}"
        )
        self.segments = segments


@dataclass(frozen=True)
class Proof:
    """`sums` and `lines` are sentences, one for each total or line that is not what it should be."""

    report: Report
    sums: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        unwitnessed = (f"pod {uid}: billed, but nothing proves it any more" for uid in self.report.unwitnessed)
        return (*map(str, self.report.differences), *unwitnessed, *self.sums, *self.lines)

    @property
    def proven(self) -> bool:
        return not self.differences


def of(account: str, period: Period, *, most: int | None = None) -> Proof:
    """Raises ProofTooLong when the period has more than `most` segments."""
    if most is not None and (segments := daytotals.segments(account, since=period.start, until=period.end)) > most:
        raise ProofTooLong(period, segments)
    return Proof(
        report=recompute.recompute(account=account, since=period.start, until=period.end),
        sums=tuple(daytotals.prove(account, since=period.start, until=period.end)),
        lines=tuple(_differences(statements.read(account, period), statements.computed(account, period))),
    )


def _differences(told: Bill, true: Bill) -> list[str]:
    lines, expected = ({line.id: line for line in bill.lines} for bill in (told, true))
    return [
        f"line {number}: the statement says {_words(lines, number)}, the days come to {_words(expected, number)}"
        for number in sorted({*lines, *expected})
        if lines.get(number) != expected.get(number)
    ]


def _words(lines: Mapping[uuid.UUID, BillLine], number: uuid.UUID) -> str:
    line = lines.get(number)
    return "nothing" if line is None else f"{line.seconds} s, {line.billed}"
