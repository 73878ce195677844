"""Create a bare pod from an image: three steps, one manifest. It is what a clone of a pod opens in."""

from __future__ import annotations

from dataclasses import dataclass

from console.forms.drafts import JSON, Fields, text
from console.forms.podtemplates import PodDraft
from console.forms.workloads import WorkloadDraft, head

RESTARTS = ("Always", "OnFailure", "Never")


@dataclass(frozen=True)
class BarePodDraft(WorkloadDraft):
    restart_policy: str

    KIND = "Pod"
    STEPS = ("basic", "advanced", "confirm")
    TEMPLATE = ""
    """The pod is its own template."""
    PLACES = {"spec.restartPolicy": "restart_policy"}
    ON_STEP = dict.fromkeys(("restart_policy", *PodDraft.SETTINGS), "advanced")

    @classmethod
    def read(cls, fields: Fields) -> BarePodDraft:
        return cls(
            **head(fields),
            pod=PodDraft.read(fields),
            restart_policy=text(fields, "restart_policy", RESTARTS[0]),
        )

    @property
    def pods(self) -> int | None:
        return 1

    def _manifest(self) -> JSON:
        made, metadata = self.pod.template(self._labels(), restartPolicy=self.restart_policy), self._metadata()
        annotations = {**metadata.get("annotations", {}), **made["metadata"]["annotations"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"annotations": annotations}, **_spec(made)}


def _spec(made: JSON) -> JSON:
    return {"spec": made["spec"]}
