"""The console's own tables: answers that are given again to who repeats a request (`console.rest.idempotency`), and
people's own views of lists (`console.savedviews`)."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """The first request of `user` with `key`, and how it was answered. While `code` is null it is being worked on."""

    account = models.CharField(max_length=64)
    user = models.CharField(max_length=400)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    """A keyed digest of what was asked: a body may hold a password, which must not be guessable from here."""
    at = models.DateTimeField(db_index=True)
    code = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True, default="")
    """JSON; "" where the answer has none, and where it showed a secret."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "user", "key"), name="kept_answer_of_caller"),)

    def __str__(self) -> str:
        return f"{self.account}/{self.user}: {self.key}"


class SavedView(models.Model):
    """How `user` likes to see the list of a kind: its query string, under a name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=63)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=2000, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "kind", "name"), name="saved_view_of_user"),)

    def __str__(self) -> str:
        return self.name
