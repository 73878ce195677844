"""exec, attach and port-forward on the wire.

websockets      a request becomes a WebSocket, or is told why not
channels        Kubernetes' channel protocols: several streams in one WebSocket (pure)
terminals       exec and attach
spdy            SPDY/3.1's frames (pure): what kubectl's port-forward tunnels through a WebSocket
forwards        port-forward, tunnelled or as channels; `tunnels` carries the tunnelled one
"""
