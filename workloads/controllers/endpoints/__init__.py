"""Who is behind a Service, kept true: Endpoints and EndpointSlices from its selector and its pods' readiness, and
EndpointSlices from Endpoints that people wrote.

`behind` says who that is and `slices` how it is laid out (both pure); `reconcile` acts.
"""
