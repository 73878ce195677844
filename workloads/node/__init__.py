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
    GET /v1/usage/history?uid=…&grain=hour|day -> {"uids": [those of which anything is known], "stepSeconds": 30.0,
        "cpu": [[seconds since 1970, average, least, most], ...], "memory": ..., "received": ..., "sent": ...}
        of these pods together, gone or not: nanocores, bytes, bytes a second; the oldest step first
Errors are a JSON `Status`.

Sessions have a socket of their own beside it (`sessions.sock`): frames both ways (`verbs/links`), one a connection.
    ORDER {"token": ..., "account": ..., "uid": ..., "do": "exec", "container": ..., "command": [...], "stdin": true,
        "stdout": true, "stderr": true, "tty": false}
        or "do": "attach" with container and stdin, or "do": "connect" with port
    READY, or REFUSED with a `Status`; then STDIN, EOF and SIZE {"columns": 80, "rows": 24} one way, STDOUT and STDERR
    the other, USED both, and END {"exitCode": 3} or {"error": "..."} last. A connection's bytes are STDIN and STDOUT.
"""
