"""The node tier's long-lived half: one agent process a host that listens to Docker, keeps pools warm and streams logs.

Stream server contract (HTTP/1.1 on the Unix socket `CCI_AGENT_SOCKET`, header `Authorization: Bearer <agent-token>`):
    GET /healthz
    GET /v1/pods/{uid}/containers/{name}/log  -> text/plain, chunked
        ?follow=true&tail=N&since=RFC3339&timestamps=true&previous=true
    GET /v1/capacity -> {"cpuMillis": ..., "memoryBytes": ...}
    GET /v1/images -> {"items": [{"name": "busybox:1.36", "id": "sha256:...", "sizeBytes": 1234}]}
Errors are a JSON `Status`.
"""
