"""The Celery application. Messages say "look at this key" and nothing else; what is to be done stands in the database,
so a lost message costs a second and a doubled one nothing."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app = Celery("cci")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workloads.controllers"], related_name="tasks")
app.set_default()
