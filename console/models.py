"""The console's one table: answers that are given again to who repeats a request (`console.rest.idempotency`)."""

from __future__ import annotations

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
