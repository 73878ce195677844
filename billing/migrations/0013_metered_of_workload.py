from django.db import migrations, models


class Migration(migrations.Migration):
    """What the rows of a list cost is asked by their uids."""

    dependencies = [("billing", "0012_label_sets")]

    operations = [
        migrations.AddIndex(
            model_name="meteredpod",
            index=models.Index(
                condition=models.Q(("finished__isnull", True)),
                fields=["account", "workload_uid"],
                name="metered_of_workload",
            ),
        ),
    ]
