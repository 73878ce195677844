"""How many ELBs an account may have, where it is not as many as all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("iam", "0008_login_failures_by_login")]

    operations = [
        migrations.AddField("account", "elb_quota", models.PositiveIntegerField(blank=True, null=True)),
    ]
