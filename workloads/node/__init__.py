"""The node tier's long-lived half: one agent process a host that listens to Docker, keeps pools warm, keeps
logs and streams them.

Stream server contract (HTTP/1.1 on the Unix socket `CCI_AGENT_SOCKET`, header `Authorization: Bearer <agent-token>`):
    GET /healthz
    GET /v1/pods/{uid}/containers/{name}/log  -> text/plain, chunked
        ?account=...&follow=true&tail=N&since=RFC3339&timestamps=true&previous=true&attempt=N
        of a container that is gone it is the kept log, and ends by itself; what is not the account's is not found
    GET /v1/capacity -> {"cpuMillis": ..., "memoryBytes": ...}
    GET /v1/images -> {"items": [{"name": "busybox:1.36", "id": "sha256:...", "sizeBytes": 1234}]}
    GET /v1/usage?uid=...&uid=... -> {"items": [{"uid": ..., "container": "app", "cpuNanocores": 1234,
        "memoryBytes": 5678, "at": RFC3339, "windowSeconds": 15.0}]}
        without uid of every pod; a container is there from its second sample on
    GET /v1/pods/{uid}/usage/history -> the same, a figure every half minute of the last hour, the oldest first
Errors are a JSON `Status`.
"""
