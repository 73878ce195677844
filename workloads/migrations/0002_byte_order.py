"""On PostgreSQL the parts of a key are compared byte by byte, as SQLite, Kubernetes and a list's `continue` do."""

from django.db import migrations

COLUMNS = {"account": 64, "kind": 64, "namespace": 63, "name": 253}


def compare_bytes(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    changes = ", ".join(f'ALTER COLUMN {name} TYPE varchar({size}) COLLATE "C"' for name, size in COLUMNS.items())
    schema_editor.execute(f"ALTER TABLE workloads_object {changes}")


class Migration(migrations.Migration):
    dependencies = [("workloads", "0001_initial")]
    operations = [migrations.RunPython(compare_bytes, migrations.RunPython.noop)]
