"""Until now every user of an account could do everything in it: whoever is there stays an administrator."""

from typing import Any

from django.db import migrations

_ADMINISTRATOR = "CCI Administrator"


def attach(apps: Any, schema_editor: Any) -> None:
    users, attachments = apps.get_model("iam", "User"), apps.get_model("iam", "Attachment")
    attachments.objects.bulk_create(
        (attachments(user=user, policy=_ADMINISTRATOR) for user in users.objects.filter(attachments=None)),
        batch_size=500,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('iam', '0005_policies'),
    ]

    operations = [
        migrations.RunPython(attach, migrations.RunPython.noop),
    ]
