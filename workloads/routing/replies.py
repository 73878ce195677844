"""What Envoy says itself when no pod can: short pages that name the workload and the remedy. Pure."""

from __future__ import annotations

from typing import Any

from workloads.routing.bindings import Backend, Ref

JSON = dict[str, Any]

RETRY_AFTER = "5"
_OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"
AS_PAGE: JSON = {
    "response_headers_to_add": [
        {"header": {"key": "Content-Type", "value": "text/html; charset=utf-8"}, "append_action": _OVERWRITE}
    ]
}
"""Of a route that answers by itself."""


def no_service(owner: Ref, backend: Backend) -> JSON:
    """The Service that a rule names is not there, or has no such port."""
    title = "This address leads nowhere yet"
    text = (
        f"{owner} sends it to Service {backend.namespace}/{backend.service}, port {backend.port}, which is not "
        "there. Create the Service, or name another one."
    )
    return {"status": 503, "body": {"inline_string": _page("503", title, text)}}


def _page(code: str, title: str, text: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{code} {title}</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1.5em;"
        "color:#1c2430;background:#fff}h1{font-size:1.25em}p{color:#4a5568}"
        "@media(prefers-color-scheme:dark){body{color:#e6eaf0;background:#14181f}p{color:#a3adba}}</style>"
        f"<h1>{title}</h1><p>{text}</p><p>{code}</p></html>\n"
    )


def _mapper(flags: list[str], code: int, title: str, text: str, *, retry: bool = False) -> JSON:
    found: JSON = {
        "filter": {"response_flag_filter": {"flags": flags}},
        "status_code": code,
        "body_format_override": {
            "text_format_source": {"inline_string": _page(str(code), title, text)},
            "content_type": "text/html; charset=utf-8",
        },
    }
    if retry:
        header = {"key": "Retry-After", "value": RETRY_AFTER}
        found["headers_to_add"] = [{"header": header, "append_action": _OVERWRITE}]
    return found


CONFIG: JSON = {
    "mappers": [
        _mapper(
            ["UH"],
            503,
            "No pod is ready",
            "Service %ROUTE_NAME% has no pod that is ready to answer. If it is yours: "
            "see its Endpoints and the events of its pods.",
            retry=True,
        ),
        _mapper(
            ["NR"],
            404,
            "Nothing is served here",
            "No Ingress of this address has a rule for this host and path.",
        ),
        _mapper(
            ["UF", "UC", "URX", "LR", "UR"],
            502,
            "The pod did not answer",
            "A pod of Service %ROUTE_NAME% closed the connection before it answered. If it is yours: see its log.",
        ),
        _mapper(
            ["UT"],
            504,
            "The pod did not answer in time",
            "A pod of Service %ROUTE_NAME% took longer than this route waits.",
        ),
        _mapper(["RL"], 429, "Too many requests", "Service %ROUTE_NAME% takes no more requests this second."),
    ]
}


def asleep(text: str) -> str:
    """The page of a request that was held and could not be let go on."""
    return _page("503", "This workload was asleep", text)
