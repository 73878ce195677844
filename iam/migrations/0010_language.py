"""The language a user chose for the console."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("iam", "0009_elb_quota")]

    operations = [
        migrations.AddField("user", "language", models.CharField(blank=True, db_default="", default="", max_length=16)),
    ]
