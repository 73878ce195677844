"""`manage.py kubeconfig`: prints a kubeconfig with a new token, or writes it to a file only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from iam import kubeconfig
from iam.models import User


class Command(BaseCommand):
    help = "Makes a kubeconfig with a new 24-hour token."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", default="demo", help="account of the user (default: %(default)s)")
        parser.add_argument("--user", default="admin", help="user the token speaks for (default: %(default)s)")
        parser.add_argument("--server", default="", help="address of the API (default: from the settings)")
        parser.add_argument("--output", default="", help="file to write (default: print)")

    def handle(self, *args: Any, account: str, user: str, server: str, output: str, **options: Any) -> None:
        person = User.objects.select_related("account").filter(account__name=account, name=user).first()
        if person is None:
            raise CommandError(f"No user {user!r} in account {account!r}. `manage.py setup_account` makes one.")
        text = kubeconfig.issue(person, server=server)
        if not output:
            self.stdout.write(text, ending="")
            return
        _write(Path(output), text)
        self.stdout.write(f"Wrote {output}. Use it: kubectl --kubeconfig {output} get namespaces")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
