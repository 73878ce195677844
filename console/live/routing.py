"""The sockets' addresses."""

from __future__ import annotations

from typing import Any

from django.urls import path

from console.live.consumers import LiveConsumer
from console.live.terminals import TerminalConsumer

websocket_urlpatterns: list[Any] = [
    path("live/", LiveConsumer.as_asgi()),
    path("terminal/", TerminalConsumer.as_asgi()),
]
