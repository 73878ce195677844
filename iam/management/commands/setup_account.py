"""`manage.py setup_account`: the first account and its first user, made once, at the first start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from iam.models import Account, User


class Command(BaseCommand):
    help = "Makes the first account and user if they do not exist; prints a generated password once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", default="demo", help="(default: %(default)s)")
        parser.add_argument("--user", default="admin", help="(default: %(default)s)")

    def handle(self, *args: Any, account: str, user: str, **options: Any) -> None:
        with transaction.atomic():
            owner, _ = Account.objects.get_or_create(name=account)
            if owner.users.filter(name=user).exists():
                self.stdout.write(f"Account {account}, user {user}: exists already.")
                return
            password, generated = _password()
            User.objects.create_user(owner, user, password)
            path = _keep(password)
        self.stdout.write(f"Account {account}, user {user}: made now.")
        if generated:
            self.stdout.write(f"Password: {password} (shown once; kept in {path}, readable by you alone)")
        else:
            self.stdout.write(f"Password: the one in CCI_ADMIN_PASSWORD (kept in {path}, readable by you alone)")


def _password() -> tuple[str, bool]:
    """The password, and whether it was generated."""
    chosen = str(settings.ADMIN_PASSWORD)
    return (chosen, False) if chosen else (secrets.token_urlsafe(12), True)


def _keep(password: str) -> Path:
    path = Path(settings.DATA_DIR) / "secrets" / "admin-password"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    return path
