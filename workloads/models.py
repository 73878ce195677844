"""Django looks for models here; they live with the rooms that own them."""

from workloads.store.models import Change, Cursor, HostWord, Lease, Object, ProbeWord, WorkItem  # noqa: F401
