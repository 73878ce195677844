"""`manage.py pod_specifications`: the operator's table of pod specifications. Pods that run keep what they have."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from workloads.admission import grid
from workloads.kinds import gridtexts
from workloads.kinds.grids import DEFAULT, Grid, Row
from workloads.verbs import gridchanges

_SEEN = "New pods are judged by it within seconds; pods that run keep what they have."


class Command(BaseCommand):
    help = f"Lists and changes the pod specifications that can be had. {_SEEN}"

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the rows with their numbers, and what containers must obey")
        listing.add_argument("--all", action="store_true", help="also those that were and will be, with their times")
        add = actions.add_parser("add", help="one more row")
        change = actions.add_parser("change", help="another row in the place of one")
        change.add_argument("number", type=int, help="as list prints it")
        remove = actions.add_parser("remove", help="ends a row")
        remove.add_argument("number", type=int, help="as list prints it")
        for action in (add, change):
            self._add_arguments_of_row(action)
        for action in (add, change, remove):
            action.add_argument("--from", dest="since", default="", help="such as 2027-01-01T00:00Z (default: now)")
        actions.add_parser("reset", help="back to the rows the product comes with")
        for name, words in (("export", "prints the table"), ("import", "replaces the table")):
            action = actions.add_parser(name, help=words)
            action.add_argument("--format", choices=("csv", "yaml"), default="", help="(default: by the file's name)")
            action.add_argument("file", nargs="?", default="-", help="- is standard input or output (default)")

    @staticmethod
    def _add_arguments_of_row(add: CommandParser) -> None:
        add.add_argument("flavor", help="general-computing or gpu-accelerated")
        add.add_argument("--cpu", required=True, help="cores, such as 0.25-32, or 48 for exactly that")
        add.add_argument("--step", default="", help="cores between two sizes (default: 0.25)")
        add.add_argument("--memory", required=True, help="whole GiB, such as 1-512, or 64 for exactly that")
        add.add_argument("--ratio", default="", help="GiB per core, such as 2-8 (default: any)")
        add.add_argument("--gpu", default="", help="the card's resource name, such as nvidia.com/gpu-tesla-t4")
        add.add_argument("--gpus", default="", help="how many of it (default: 1 with --gpu)")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(options)
        except (grid.GridRefused, gridtexts.Unreadable) as refused:
            raise CommandError(str(refused)) from None

    def _list(self, options: dict[str, Any]) -> None:
        grid.stand()
        now = timezone.now()
        for one in grid.history() if options["all"] else grid.numbered():
            span = f"  ({one.state(now)}, {_span(one.since, one.until)})" if options["all"] else ""
            self.stdout.write(f"{one.number:>3}  {one.row}{span}")
        rule = gridtexts.rule_fields(grid.current_rule())
        self.stdout.write(
            f"A container has CPU in steps of {rule['step']}, memory of {rule['memory']} or more; a pod has at most "
            f"{rule['count']} containers."
        )

    def _add(self, options: dict[str, Any]) -> None:
        made = gridchanges.add(gridchanges.host(), _row(options), since=_since(options))
        self.stdout.write(f"Added {made.row}. {_SEEN}")

    def _change(self, options: dict[str, Any]) -> None:
        made = gridchanges.change(gridchanges.host(), options["number"], _row(options), since=_since(options))
        self.stdout.write(f"Changed to {made.row}. {_SEEN}")

    def _remove(self, options: dict[str, Any]) -> None:
        row = gridchanges.remove(gridchanges.host(), options["number"], since=_since(options))
        self.stdout.write(f"Removed {row}. {_SEEN}")

    def _reset(self, options: dict[str, Any]) -> None:
        gridchanges.replace(gridchanges.host(), DEFAULT)
        self.stdout.write(f"The table holds the {len(grid.numbered())} rows the product comes with. {_SEEN}")

    def _export(self, options: dict[str, Any]) -> None:
        rows = Grid(tuple(one.row for one in grid.numbered()), grid.current_rule())
        text = gridtexts.to_csv(rows) if _format(options) == "csv" else gridtexts.to_yaml(rows)
        if options["file"] == "-":
            self.stdout.write(text, ending="")
        else:
            Path(options["file"]).write_text(text)

    def _import(self, options: dict[str, Any]) -> None:
        text = sys.stdin.read() if options["file"] == "-" else _read(options["file"])
        read = gridtexts.of_csv if _format(options) == "csv" else gridtexts.of_yaml
        gridchanges.replace(gridchanges.host(), read(text, containers=grid.current_rule()))
        self.stdout.write(f"The table holds {len(grid.numbered())} rows now. {_SEEN}")


def _row(options: dict[str, Any]) -> Row:
    return gridtexts.row_of({name: options[name] for name in gridtexts.FIELDS})


def _since(options: dict[str, Any]) -> datetime | None:
    if not options["since"]:
        return None
    try:
        given = datetime.fromisoformat(options["since"])
    except ValueError:
        raise CommandError(f"--from is {options['since']!r}: write it as 2027-01-01T00:00Z") from None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given


def _span(since: datetime, until: datetime | None) -> str:
    begun = "always" if since.year <= 1970 else f"{since:%Y-%m-%d %H:%M}"
    return begun if until is None else f"{begun} to {until:%Y-%m-%d %H:%M}"


def _format(options: dict[str, Any]) -> str:
    return options["format"] or ("csv" if options["file"].endswith(".csv") else "yaml")


def _read(file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
