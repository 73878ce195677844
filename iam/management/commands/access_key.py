"""`manage.py access_key`: the host's hand on a user's access keys: make, list, disable, enable, delete."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from iam import accesskeys, vault
from iam.models import User

_ACTS = {"disable": accesskeys.disable, "enable": accesskeys.enable, "delete": accesskeys.delete}


class Command(BaseCommand):
    help = "Makes an access key (AK/SK) of a user and prints it once; lists, disables, enables and deletes them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", nargs="?", default="create", choices=("create", "list", *_ACTS))
        parser.add_argument("ak", nargs="?", default="", help="which one: for disable, enable and delete")
        parser.add_argument("--account", default="demo", help="account of the user (default: %(default)s)")
        parser.add_argument("--user", default="admin", help="whose key it is (default: %(default)s)")
        parser.add_argument("--description", default="", help="what the key is for")

    def handle(self, *args: Any, act: str, ak: str, account: str, user: str, description: str, **options: Any) -> None:
        person = User.objects.select_related("account").filter(account__name=account, name=user).first()
        if person is None:
            raise CommandError(f"No user {user!r} in account {account!r}. `manage.py setup_account` makes one.")
        try:
            self._do(act, person, ak, description)
        except (accesskeys.FieldError, accesskeys.UnknownKey, vault.KeyFileError) as refusal:
            raise CommandError(str(refusal)) from None

    def _do(self, act: str, person: User, ak: str, description: str) -> None:
        if act == "create":
            made = accesskeys.create(person, description=description)
            self.stdout.write(f"CCI_AK={made.ak}\nCCI_SK={made.sk}")
            self.stderr.write("The secret key (CCI_SK) is shown this once.")
        elif act == "list":
            for row in accesskeys.listed(person):
                self.stdout.write(_line(row))
        elif not ak:
            raise CommandError(f"Say which one: manage.py access_key {act} <AK>")
        else:
            _ACTS[act](person, ak)
            self.stdout.write(f"Access key {ak}: {act}d.")


def _line(row: accesskeys.Row) -> str:
    state = ("active" if row.active else "disabled") if row.readable else "unreadable: its key file is gone"
    used = f"used {row.last_used:%Y-%m-%d %H:%M} UTC from {row.last_address}" if row.last_used else "never used"
    return f"{row.ak}  {state}  made {row.created:%Y-%m-%d}  {used}  {row.description}".rstrip()
