"""Django looks for models here; they live with the rooms that own them."""

from workloads.store.models import (  # noqa: F401
    Change,
    Cursor,
    EndedPod,
    Eviction,
    GridContainers,
    GridRow,
    HostWord,
    ImageUse,
    KeptLog,
    Lease,
    Object,
    ProbeWord,
    WorkItem,
)
