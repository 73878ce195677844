"""The socket's one address."""

from __future__ import annotations

from typing import Any

from django.urls import path

from console.live.consumers import LiveConsumer

websocket_urlpatterns: list[Any] = [path("live/", LiveConsumer.as_asgi())]
