"""A price list as CSV, a price a line, with its history. Pure.

    region,item,flavor,currency,amount,effective_from
    cn-north-4,vcpu,,CNY,0.000049,1970-01-01T00:00:00Z
    cn-north-4,nvidia.com/gpu-tesla-t4,gpu-accelerated,CNY,0.0023,2027-01-01T00:00:00Z

An empty flavor is every flavor without a price of its own. Only how it is written is judged here; what the list takes
is `prices.problems`'.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.money import plain
from billing.prices import Draft

FIELDS = ("region", "item", "flavor", "currency", "amount", "effective_from")
MOST_BYTES = 1024 * 1024
MOST_LINES = 5000
_AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,20})?", re.ASCII)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a line (0: with the whole), at which field ("": with all of it), and what to do."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """`line 3: amount: ...`."""
        return ": ".join(part for part in (f"line {self.line}" if self.line else "", self.field, self.message) if part)


@dataclass(frozen=True)
class Line:
    number: int
    draft: Draft


def to_csv(drafts: Iterable[Draft]) -> str:
    """What `of_csv` reads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for draft in drafts:
        begins = draft.effective_from.astimezone(UTC).isoformat().replace("+00:00", "Z")
        writer.writerow((draft.region, draft.item, draft.flavor, draft.currency, plain(draft.amount), begins))
    return out.getvalue()


def of_csv(text: str) -> tuple[list[Line], list[Trouble]]:
    """The lines that can be read, and all that cannot."""
    if len(text.encode()) > MOST_BYTES:
        return [], [Trouble(0, "", f"A price list has at most {MOST_BYTES // 1024} KiB: import it in parts.")]
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restkey="", restval="", strict=True)
    lines, troubles = list[Line](), list[Trouble]()
    try:
        if wrong := _head_problem(reader.fieldnames or ()):
            return [], [Trouble(1, "", wrong)]
        for fields in reader:
            if len(lines) + len(troubles) >= MOST_LINES:
                return [], [Trouble(0, "", f"A price list has at most {MOST_LINES:,} lines: import it in parts.")]
            _read(reader.line_num, fields, lines, troubles)
    except csv.Error as error:
        troubles.append(Trouble(reader.line_num + 1, "", f"This is no CSV ({error}): mend the quotes of this line."))
    return lines, troubles


def _head_problem(names: Iterable[str]) -> str:
    given = [name.strip() for name in names]
    missing = [name for name in FIELDS if name not in given]
    unknown = [name for name in given if name not in FIELDS]
    if not missing and not unknown and len(set(given)) == len(given):
        return ""
    return f"The first line names the fields, each once: {','.join(FIELDS)}."


def _read(number: int, fields: Mapping[str, str], lines: list[Line], troubles: list[Trouble]) -> None:
    if fields.get(""):
        troubles.append(Trouble(number, "", f"This line has more than {len(FIELDS)} fields: mend its commas."))
        return
    text = {name.strip(): (value or "").strip() for name, value in fields.items()}
    amount, begins = _amount(text["amount"]), moment(text["effective_from"])
    if amount is None:
        said = f"{text['amount']!r} is not an amount: write it as 0.000049."
        troubles.append(Trouble(number, "amount", said))
    if begins is None:
        said = f"{text['effective_from']!r} is not a time: write it as 2027-01-01T00:00:00Z."
        troubles.append(Trouble(number, "effective_from", said))
    if amount is not None and begins is not None:
        draft = Draft(text["region"], text["item"], text["flavor"], text["currency"], amount, begins)
        lines.append(Line(number, draft))


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def moment(text: str) -> datetime | None:
    """A time that says its zone, in UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
