"""`manage.py kubeconfig`: a kubeconfig for a user, printed, or written to a file only its owner can read.

It signs in by itself, with an access key made for this file and cci-iam-authenticator; or, with `--token`, needs
neither and works for 24 hours.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from iam import accesskeys, bundle, kubeconfig, vault
from iam.models import User


class Command(BaseCommand):
    help = "Makes a kubeconfig that signs in by itself, or one with a 24-hour token."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", default="demo", help="account of the user (default: %(default)s)")
        parser.add_argument("--user", default="admin", help="user it speaks for (default: %(default)s)")
        parser.add_argument("--server", default="", help="address of the API (default: from the settings)")
        parser.add_argument("--output", default="", help="file to write (default: print)")
        parser.add_argument("--token", action="store_true", help="with a 24-hour token; needs no cci-iam-authenticator")

    def handle(self, *args: Any, account: str, user: str, server: str, output: str, **options: Any) -> None:
        person = User.objects.select_related("account").filter(account__name=account, name=user).first()
        if person is None:
            raise CommandError(f"No user {user!r} in account {account!r}. `manage.py setup_account` makes one.")
        path = Path(output).resolve() if output else None
        if options["token"]:
            text = kubeconfig.issue(person, via="host", server=server)
        else:
            key = _key_for(person, path)
            text = kubeconfig.signing_in(key, _program(path), server=server)
        if path is None:
            self.stdout.write(text, ending="")
            return
        _write(path, text)
        self.stdout.write(f"Wrote {output}. Use it: kubectl --kubeconfig {output} get namespaces")


def _key_for(person: User, path: Path | None) -> accesskeys.Created:
    """A key of its own for each file; the one that an earlier run made for it is replaced. Raises CommandError."""
    description = f"kubeconfig {path or 'printed'}"[: accesskeys.LONGEST_DESCRIPTION]
    try:
        for row in accesskeys.listed(person):
            if row.description == description:
                accesskeys.disable(person, row.ak)
                accesskeys.delete(person, row.ak)
        return accesskeys.create(person, description=description)
    except (accesskeys.FieldError, vault.KeyFileError) as refusal:
        raise CommandError(f"{refusal} (manage.py access_key lists them; --token does without one)") from None


def _program(path: Path | None) -> list[str]:
    """The command is put beside a file that is written; a kubeconfig that is printed trusts that it is on the PATH."""
    if path is None:
        return [bundle.NAME]
    command = path.parent / "bin" / bundle.NAME
    bundle.write(command)
    return [sys.executable, str(command)]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
