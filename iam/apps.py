from django.apps import AppConfig


class IamConfig(AppConfig):
    name = "iam"
    default_auto_field = "django.db.models.BigAutoField"
