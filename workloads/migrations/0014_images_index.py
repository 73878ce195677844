from django.db import migrations, models


class Migration(migrations.Migration):
    """Images are counted from it alone."""

    dependencies = [("workloads", "0013_images_told")]
    operations = [
        migrations.AddIndex(
            model_name="object",
            index=models.Index(
                fields=["account", "images", "namespace", "phase"],
                name="object_images",
                condition=~models.Q(images=""),
            ),
        ),
    ]
