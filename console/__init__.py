"""The outermost house: settings, pages, processes. Importing it makes our Celery application every thread's default, so
that whoever rings a work item's bell rings ours."""

from console.celery import app as celery_app

__all__ = ["celery_app"]
