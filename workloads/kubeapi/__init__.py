"""Kubernetes' wire protocol over the front door: a bare ASGI application beside Django, for kubectl and its kin.

    app             ASGI in and out: bodies bounded, errors answered, streams cut when the caller hangs up
    routes          a path to what it names; the kinds come from the registry, none is written here
    resources       the verbs on objects; `watching`, `podlogs`, `reviews`: the verbs that are not like the others
    bodies          request bytes to manifests (JSON, YAML, protobuf); `negotiation`, `views`: objects as accepted
    streaming       exec, attach and port-forward over WebSockets
    discovery       what is served; `openapi`: what it looks like; `health`: whether it works
    authentication  bearer token to identity

Nothing here decides what may happen to an object: that is `workloads.client`'s.
"""
