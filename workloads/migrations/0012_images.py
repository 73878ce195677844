"""Which images pods run stands beside them, so that it is counted of all of them."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import migrations, models

AT_ONCE = 500
COLUMN = "ALTER TABLE workloads_object ADD COLUMN images varchar(1000) NOT NULL DEFAULT ''"
"""Not by Django: on SQLite it would make the table anew, without the index `object_summary`."""
ASKED = "SELECT id, data FROM workloads_object WHERE kind = 'Pod' AND id > %s ORDER BY id LIMIT %s"
WRITTEN = "UPDATE workloads_object SET images = %s WHERE id = %s"


def tell(apps: Any, schema_editor: Any) -> None:
    """Of what is there already."""
    from workloads.kinds import images

    last = 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(ASKED, [last, AT_ONCE])
            found = cursor.fetchall()
            if not found:
                return
            cursor.executemany(WRITTEN, [(images.of_pod(orjson.loads(bytes(data))), one) for one, data in found])
            last = found[-1][0]


class Migration(migrations.Migration):
    dependencies = [("workloads", "0011_summary")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(COLUMN, "ALTER TABLE workloads_object DROP COLUMN images")],
            [
                migrations.AddField(
                    model_name="object",
                    name="images",
                    field=models.CharField(blank=True, db_default="", default="", max_length=1000),
                )
            ],
        ),
        migrations.RunPython(tell, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="object",
            index=models.Index(
                fields=["account", "images", "namespace", "phase"],
                name="object_images",
                condition=~models.Q(images=""),
            ),
        ),
    ]
