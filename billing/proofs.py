"""The proof of a statement: from the pods' own times to its lines, each step computed anew. Nothing is written.

1. The ledger says what the pods' lives say, pod by pod and hour by hour (`recompute`).
2. The days' totals are the sums of the ledger's segments (`daytotals.prove`).
3. The lines of a closed month are what those totals come to.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from billing import daytotals, recompute, statements
from billing.recompute import Report
from billing.statements import Bill, BillLine, Period


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


def of(account: str, period: Period) -> Proof:
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
