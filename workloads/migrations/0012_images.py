"""Which images pods run stands beside them, so that it is counted of all of them."""

from __future__ import annotations

from django.db import migrations, models

COLUMN = "ALTER TABLE workloads_object ADD COLUMN images varchar(1000) NOT NULL DEFAULT ''"
"""Not by Django: on SQLite it would make the table anew, without the index `object_summary`."""


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
    ]
