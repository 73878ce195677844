from django.db import migrations


class Migration(migrations.Migration):
    """In tables a set of labels is named by its digest; `labels` are the labels themselves, everywhere."""

    dependencies = [("billing", "0011_priced_sizes")]

    operations = [
        migrations.RenameField("meteredpod", "labels", "label_set"),
        migrations.RenameField("daytotal", "labels", "label_set"),
        migrations.RenameField("statementline", "labels", "label_set"),
    ]
