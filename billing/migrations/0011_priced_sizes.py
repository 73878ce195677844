import hashlib
from typing import Any

import orjson
from django.db import migrations, models

_COLUMNS = ("region", "flavor", "cpu_millis", "memory_mib", "gpu_model", "gpu_count")


def _number(region: str, **size: Any) -> int:
    """As `billing.sizes.number` told it when this was written."""
    said = orjson.dumps([region, size], option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) >> 1 or 1


def number_pods(apps: Any, _schema_editor: Any) -> None:
    pods, sizes = apps.get_model("billing", "MeteredPod"), apps.get_model("billing", "PricedSize")
    for row in pods.objects.order_by().values(*_COLUMNS).distinct():
        number = _number(**row)
        sizes.objects.create(number=number, **row)
        pods.objects.filter(**row).update(priced_size=number)


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_metered_of_account")]

    operations = [
        migrations.CreateModel(
            name="PricedSize",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("region", models.CharField(max_length=64)),
                ("flavor", models.CharField(max_length=32)),
                ("cpu_millis", models.IntegerField()),
                ("memory_mib", models.IntegerField()),
                ("gpu_model", models.CharField(blank=True, default="", max_length=64)),
                ("gpu_count", models.IntegerField(default=0)),
            ],
        ),
        migrations.AddField("meteredpod", "priced_size", models.BigIntegerField(default=0), preserve_default=False),
        migrations.RunPython(number_pods, migrations.RunPython.noop),
    ]
