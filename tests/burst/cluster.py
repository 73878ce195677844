"""The service's own Kubernetes API as somebody's cluster: `python -m tests.burst.cluster`, with settings of its own.

The web process alone serves, on a database of its own: no controller, no agent, so that nobody but the add-on runs its
pods. The kubeconfigs of who may everything (`admin`) and of who may nothing (`guest`) are in CCI_DATA_DIR.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from iam.models import User


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()
    from django.core.management import call_command

    from console import web
    from iam.models import Account, User
    from tests.burst import doors

    call_command("migrate", verbosity=0)
    doors.open_all()
    account = Account.objects.create(name=doors.ACCOUNT)
    _sign_in(User.objects.create_user(account, "admin", "correct horse battery"))
    _sign_in(User.objects.create_user(account, "guest", "battery staple horse", policies=()))
    web.main("api")


def _sign_in(user: User) -> None:
    from iam import kubeconfig

    text = kubeconfig.issue(user, via="host")
    (Path(os.environ["CCI_DATA_DIR"]) / user.name).write_text(text)


if __name__ == "__main__":
    main()
