"""What the front door tells of pods that run or ran: logs, sessions, figures, and what is left of those that went."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from iam.identities import Identity
from workloads.store.endedpods import Ended
from workloads.store.keptlogs import Kept
from workloads.verbs import endedpods, podlogs, sessions, usage
from workloads.verbs.calls import (
    ExecOptions,
    LogOptions,
    LogTarget,
    PodFigures,
    SessionTarget,
    UsageHistory,
)
from workloads.verbs.endedpods import EndedPods
from workloads.verbs.usage import Grain


class OfPods:
    """A part of `workloads.client.Client`, which says what its attributes mean."""

    identity: Identity
    only_visible: bool

    def logs(self, namespace: str, pod: str, options: LogOptions) -> Iterator[bytes]:
        """Streams from the agent. Raises NotFound, BadRequest (container must be named; container is waiting) at
        once, not at the first chunk. Close the iterator to hang up."""
        return podlogs.stream(self.log_target(namespace, pod, options), limit_bytes=options.limit_bytes)

    def log_target(self, namespace: str, pod: str, options: LogOptions) -> LogTarget:
        """`logs` for callers that stream by themselves: everything is checked, only the GET is left to do."""
        return podlogs.target(self.identity, namespace, pod, options)

    def exec_target(self, namespace: str, pod: str, options: ExecOptions) -> SessionTarget:
        """A command in a container, checked; `open_session` runs it. Raises NotFound, BadRequest, Forbidden, and
        InternalError while the container does not run."""
        return sessions.exec_target(self.identity, namespace, pod, options)

    def attach_target(self, namespace: str, pod: str, options: ExecOptions) -> SessionTarget:
        """The streams of a container's own process. As `exec_target`."""
        return sessions.attach_target(self.identity, namespace, pod, options)

    def forward_target(self, namespace: str, pod: str) -> SessionTarget:
        """Connections to a pod's ports: `open_session(to_port(target, 8080))` makes one. Raises as `exec_target`."""
        return sessions.forward_target(self.identity, namespace, pod)

    def pod_usage(self, namespace: str, pod: str) -> PodFigures:
        """What a pod uses now. Raises NotFound also while it does not run or is too young to be measured, Unavailable
        while the agent is away."""
        return usage.of_pod(self.identity, namespace, pod)

    def usage_history(
        self,
        namespace: str,
        grain: Grain,
        *,
        pod: str = "",
        owner_uids: Collection[str] = (),
        workload: tuple[str, str] = ("", ""),
    ) -> UsageHistory:
        """The last hour or day of a pod; or of all pods of these owners together (a thousand at most) and those of the
        workload (kind, name) that are gone. Raises NotFound, Forbidden, Unavailable."""
        return usage.history(self.identity, namespace, grain, name=pod, owner_uids=owner_uids, workload=workload)

    def usage(
        self,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        owner_uid: str | None = None,
    ) -> Sequence[PodFigures]:
        """What each running pod uses that can be measured already. Raises BadRequest, Unavailable."""
        return usage.of_pods(
            self.identity,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            owner_uid=owner_uid,
            only_visible=self.only_visible,
        )

    def ended_pods(
        self,
        namespace: str | None = None,
        *,
        workload_kind: str = "",
        workload: str = "",
        name_part: str = "",
        limit: int = 50,
        continue_token: str = "",
    ) -> EndedPods:
        """Pods that are gone, the one that went last first, for as long as logs are kept. `namespace=None` spans the
        account, and what namespaces had that are gone, too."""
        return endedpods.page(
            self.identity,
            namespace,
            workload_kind=workload_kind,
            workload=workload,
            name_part=name_part,
            limit=limit,
            continue_token=continue_token,
            only_visible=self.only_visible,
        )

    def ended_pod(self, uid: str) -> Ended:
        """Raises NotFound."""
        return endedpods.one(self.identity, uid)

    def kept_logs(self, uid: str) -> Sequence[Kept]:
        """Of containers of that pod that were removed, whether the pod is gone or not: by container, the newest attempt
        first."""
        return endedpods.logs(self.identity, uid)

    def ended_log_target(self, uid: str, options: LogOptions) -> LogTarget:
        """`log_target` for a pod that is gone; `options` name the container. Raises NotFound."""
        return endedpods.log_target(self.identity, uid, options)
