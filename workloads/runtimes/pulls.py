"""The progress of an image pull, summed over the layers the daemon tells about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.runtimes.base import PullProgress

_HERE = ("Download complete", "Verifying Checksum", "Extracting", "Pull complete")


class Layers:
    """Fed with the daemon's messages, one by one. A layer's size is known only when its download begins, so the total
    may still grow; it never shrinks."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._loaded: dict[str, int] = {}

    def take(self, message: Mapping[str, Any]) -> bool:
        """Whether the progress moved."""
        layer, status = message.get("id"), message.get("status")
        if layer is None:
            return False
        before = self.progress
        if status == "Downloading":
            detail = message.get("progressDetail") or {}
            self._sizes[layer] = max(self._sizes.get(layer, 0), detail.get("total") or 0)
            self._loaded[layer] = max(self._loaded.get(layer, 0), detail.get("current") or 0)
        if status in _HERE and layer in self._sizes:
            self._loaded[layer] = self._sizes[layer]
        return self.progress != before

    @property
    def progress(self) -> PullProgress:
        return PullProgress(current_bytes=sum(self._loaded.values()), total_bytes=sum(self._sizes.values()))
