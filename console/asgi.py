"""The console as ASGI: pages by Django, live updates by Channels. The Kubernetes API is another application beside it
(`workloads.kubeapi.app`), served on its own port by `console.web`."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()  # sets Django up: what follows imports models

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from console.lanes import Lanes
from console.live.routing import websocket_urlpatterns

application = Lanes(
    ProtocolTypeRouter(
        {
            "http": pages,
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
        }
    )
)
