"""The images of pods that are there already. Some at a time: nobody waits long for the table, and what was done when a
process dies is done again."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import migrations, transaction

AT_ONCE = 500
ASKED = "SELECT id, data FROM workloads_object WHERE kind = 'Pod' AND id > %s ORDER BY id LIMIT %s"
WRITTEN = "UPDATE workloads_object SET images = %s WHERE id = %s"


def tell(apps: Any, schema_editor: Any) -> None:
    from workloads.kinds import images

    connection, last = schema_editor.connection, 0
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(ASKED, [last, AT_ONCE])
            found = cursor.fetchall()
            if not found:
                return
            cursor.executemany(WRITTEN, [(images.of_pod(orjson.loads(bytes(data))), one) for one, data in found])
            last = found[-1][0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workloads", "0012_images")]
    operations = [migrations.RunPython(tell, migrations.RunPython.noop)]
