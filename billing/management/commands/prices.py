"""`manage.py prices`: the price list with its history as CSV, out and in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import tariffs


class Command(BaseCommand):
    help = "Exports the price list as CSV, and imports one: all of it or nothing. What the list has already stays."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="prints the list with its history")
        export.add_argument("--region", default="", help="(default: all regions)")
        read = actions.add_parser("import", help="adds what the list does not have, replaces what has not begun")
        read.add_argument("--dry-run", action="store_true", help="only says what it would do")
        for action in (export, read):
            action.add_argument("file", nargs="?", default="-", help="- is standard input or output (default)")

    def handle(self, *args: Any, action: str, file: str, **options: Any) -> None:
        if action == "export":
            self._export(file, options["region"])
        else:
            self._import(_read(file), dry=options["dry_run"])

    def _export(self, file: str, region: str) -> None:
        text = tariffs.export_prices(region)
        if file == "-":
            self.stdout.write(text, ending="")
        else:
            Path(file).write_text(text)

    def _import(self, text: str, *, dry: bool) -> None:
        try:
            read = tariffs.preview_import(tariffs.host(), text) if dry else tariffs.import_prices(tariffs.host(), text)
            if read.troubles:
                raise tariffs.ImportRefused(read.troubles)
        except tariffs.ImportRefused as refused:
            raise CommandError("\n".join(["Nothing was imported.", *map(str, refused.troubles)])) from None
        said = f"{len(read.added)} added, {len(read.replaced)} replaced, {read.unchanged} unchanged."
        self.stdout.write(f"Would be: {said}" if dry else said)


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
