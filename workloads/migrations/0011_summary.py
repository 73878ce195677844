"""How an object does and what kind made it stand beside it, and lists that choose by them, by phase, by labels or by a
part of the name read one index. SQLite's holds the labels as well; PostgreSQL, whose indexes take no long values, has
one of their pairs."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import migrations, models

AT_ONCE = 500
WRITTEN = "UPDATE workloads_object SET phase = %s, health = %s, owner_kind = %s WHERE id = %s"
INDEX = "CREATE INDEX object_summary ON workloads_object (kind, account, namespace, name, phase, health, owner_kind"
PAIRS = "CREATE INDEX object_pairs ON workloads_object USING gin ((labels::jsonb) jsonb_path_ops)"


def tell(apps: Any, schema_editor: Any) -> None:
    """Of what is there already."""
    from workloads.kinds import registry
    from workloads.meta.owners import owner_kind_of

    kinds, last = registry.kinds(), 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT id, kind, data FROM workloads_object WHERE id > %s ORDER BY id LIMIT %s", [last, AT_ONCE])
            found = cursor.fetchall()
            if not found:
                return
            written = []
            for identifier, kind, data in found:
                obj = orjson.loads(bytes(data))
                facts, owner = kinds[kind].facts(obj), owner_kind_of(obj["metadata"])[:64]
                if facts.health or owner or kind == "Job":
                    written.append((facts.phase, facts.health, owner, identifier))
            cursor.executemany(WRITTEN, written)
            last = found[-1][0]


def index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"{INDEX})")
        schema_editor.execute(PAIRS)
    else:
        schema_editor.execute(f"{INDEX}, labels)")


def drop(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP INDEX object_summary")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX object_pairs")


class Migration(migrations.Migration):
    dependencies = [("workloads", "0010_grid_times")]
    operations = [
        migrations.AddField(
            model_name="object",
            name="health",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="object",
            name="owner_kind",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.RunPython(tell, migrations.RunPython.noop),
        migrations.RunPython(index, drop),
    ]
