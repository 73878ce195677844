from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('billing', '0009_lost_pods_are_found'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='meteredpod',
            index=models.Index(fields=['account', 'revision'], name='metered_of_account'),
        ),
    ]
