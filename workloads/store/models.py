"""The control plane's tables: one for objects of every kind, one for the log of what happened to them.

Nothing here knows a kind; `kind` is a word.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models


class Object(models.Model):
    """An object exactly as the API shows it (`data`), beside the columns that are asked for.

    Lists that choose read the index `object_summary` (migration 0011) alone: whoever lets Django make this table anew
    on SQLite makes that again, too."""

    account = models.CharField(max_length=64)
    kind = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63, blank=True)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=36, unique=True)
    revision = models.BigIntegerField(db_index=True)
    labels = models.TextField(default="{}")
    owner_uid = models.CharField(max_length=36, blank=True, db_index=True)
    phase = models.CharField(max_length=32, blank=True)
    node = models.CharField(max_length=253, blank=True)
    created = models.DateTimeField()
    deleting = models.BooleanField(default=False)
    data = models.BinaryField()
    health = models.CharField(max_length=16, blank=True, default="", db_default="")
    owner_kind = models.CharField(max_length=64, blank=True, default="", db_default="")
    images = models.CharField(max_length=1000, blank=True, default="", db_default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "account", "namespace", "name"), name="object_key"),)
        indexes = (
            models.Index(
                fields=("account", "images", "namespace", "phase"),
                name="object_images",
                condition=~models.Q(images=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.account}/{self.kind}/{self.namespace}/{self.name}"


class Change(models.Model):
    """One entry of the log. `revision` is the `resourceVersion` everyone speaks of, taken in commit order."""

    revision = models.BigAutoField(primary_key=True)
    account = models.CharField(max_length=64)
    kind = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63, blank=True)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=36)
    type = models.CharField(max_length=8)
    data = models.BinaryField()
    previous = models.BinaryField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("kind", "revision"), name="change_kind_revision"),)

    def __str__(self) -> str:
        return f"{self.revision} {self.type} {self.account}/{self.kind}/{self.namespace}/{self.name}"


class Cursor(models.Model):
    """A reader's own place in the log: everything up to `revision` has been dealt with."""

    reader = models.CharField(max_length=64, primary_key=True)
    revision = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reader} at {self.revision}"


class Lease(models.Model):
    """A named right that runs out, so that one manager of several acts."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=128)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder}"


class WorkItem(models.Model):
    """A key that somebody has to look at. One row a (queue, key): duplicates fold, and a key made dirty while it is
    worked on stays dirty (`dirty` moves on, `seen` is what the claim saw)."""

    queue = models.CharField(max_length=32)
    key = models.CharField(max_length=400)
    dirty = models.BigIntegerField(default=1)
    seen = models.BigIntegerField(default=0)
    due = models.DateTimeField(db_index=True)
    claimed_by = models.CharField(max_length=128, blank=True)
    claimed_until = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("queue", "key"), name="work_item_key"),)

    def __str__(self) -> str:
        return f"{self.queue} {self.key}"


class ProbeWord(models.Model):
    """What a probe says of a container's attempt; see `store.probes`."""

    uid = models.CharField(max_length=36)
    container = models.CharField(max_length=63)
    probe = models.CharField(max_length=16)
    attempt = models.IntegerField()
    passes = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("uid", "container", "probe"), name="probe_word"),)

    def __str__(self) -> str:
        return f"{self.uid}/{self.container} {self.probe}: {self.passes}"


class HostWord(models.Model):
    """What the agent says of its host; see `store.hosts`."""

    host = models.CharField(max_length=253)
    subject = models.CharField(max_length=16)
    said = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("host", "subject"), name="host_word"),)

    def __str__(self) -> str:
        return f"{self.host} {self.subject}: {self.said}"


class EndedPod(models.Model):
    """How a pod ended that is gone, for as long as logs are kept; see `store.endedpods`."""

    uid = models.CharField(max_length=36, unique=True)
    account = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    workload_kind = models.CharField(max_length=64, blank=True)
    workload = models.CharField(max_length=253, blank=True)
    owner_uid = models.CharField(max_length=36, blank=True)
    outcome = models.CharField(max_length=16)
    reason = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    created = models.DateTimeField()
    ended = models.DateTimeField()
    gone = models.DateTimeField(db_index=True)

    class Meta:
        indexes = (
            models.Index(fields=("account", "-gone", "-id"), name="ended_pod_of_account"),
            models.Index(fields=("account", "namespace", "-gone", "-id"), name="ended_pod_of_namespace"),
        )

    def __str__(self) -> str:
        return f"{self.account}/{self.namespace}/{self.name}: {self.outcome}"


class KeptLog(models.Model):
    """The log of one attempt of a container that is gone; see `store.keptlogs`."""

    account = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    pod = models.CharField(max_length=253)
    uid = models.CharField(max_length=36)
    container = models.CharField(max_length=63)
    attempt = models.IntegerField()
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)
    oom_killed = models.BooleanField(default=False)
    lines = models.BigIntegerField()
    bytes = models.BigIntegerField()
    stored = models.BigIntegerField()
    kept = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("uid", "container", "attempt"), name="kept_log"),)
        indexes = (models.Index(fields=("account", "kept"), name="kept_log_of_account"),)

    def __str__(self) -> str:
        return f"{self.uid}/{self.container}/{self.attempt}"


class Eviction(models.Model):
    """A pod that has to go, and why; see `store.evictions`."""

    uid = models.CharField(max_length=36, primary_key=True)
    message = models.TextField()

    def __str__(self) -> str:
        return f"{self.uid}: {self.message}"


ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since before there was anything to judge."""


class GridRow(models.Model):
    """A family of pod specifications that can be had in [effective_from, effective_until), which None leaves open; see
    `kinds.grids.Row`. Rows are read by `admission.grid`. One that has begun is never taken out: it is history.

    `replaces` is the row that ends where this one begins, and goes on when this one is withdrawn before. `position` is
    its place among the others; without one its number is that.
    """

    flavor = models.CharField(max_length=32)
    min_cpu_millis = models.PositiveIntegerField()
    max_cpu_millis = models.PositiveIntegerField()
    step_cpu_millis = models.PositiveIntegerField(default=250)
    min_memory_gib = models.PositiveIntegerField()
    max_memory_gib = models.PositiveIntegerField()
    min_ratio = models.PositiveIntegerField(null=True, blank=True)
    max_ratio = models.PositiveIntegerField(null=True, blank=True)
    gpu = models.CharField(max_length=64, blank=True, default="")
    gpus = models.PositiveIntegerField(default=0)
    effective_from = models.DateTimeField(default=ALWAYS)
    effective_until = models.DateTimeField(null=True, blank=True)
    replaces = models.BigIntegerField(null=True, blank=True)
    position = models.PositiveBigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        cpu = f"{self.min_cpu_millis}-{self.max_cpu_millis}m"
        return f"{self.flavor}: {cpu}, {self.min_memory_gib}-{self.max_memory_gib} GiB"


class GridContainers(models.Model):
    """What each container of a pod must obey: one row, the first; see `kinds.grids.ContainerRule`."""

    step_cpu_millis = models.PositiveIntegerField()
    min_memory_bytes = models.PositiveBigIntegerField()
    max_containers = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"at most {self.max_containers} containers"


class ImageUse(models.Model):
    """That pods of a namespace have used an image; see `store.imageuses`."""

    image = models.CharField(max_length=100)
    account = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=512)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("image", "account", "namespace", "name"), name="image_use"),)

    def __str__(self) -> str:
        return f"{self.account}/{self.namespace}: {self.name}"


class UsageHour(models.Model):
    """What the containers of one name, in all pods of one workload, used in one hour; see `store.usagehours`. `cpu` is
    JSON: bucket (`meta.buckets`, of millicores) -> readings."""

    account = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    kind = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    container = models.CharField(max_length=63)
    hour = models.DateTimeField()
    readings = models.IntegerField()
    cpu_peak = models.IntegerField()
    memory_peak = models.BigIntegerField()
    cpu = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "namespace", "kind", "name", "container", "hour"), name="usage_hour"
            ),
        )
        indexes = (models.Index(fields=("hour",), name="usage_hour_age"),)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}/{self.container} at {self.hour:%F %H}"
