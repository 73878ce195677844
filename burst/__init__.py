"""The bursting add-on: a virtual node of somebody's own Kubernetes cluster, backed by CCI.

It is a client of two Kubernetes APIs, the cluster's and CCI's, and knows nothing else of either: it imports none of
the service's houses, and what it asks of the cluster any kube-apiserver answers. Below, "cluster" is the user's own
cluster and "CCI" the service. Pure rooms: `names`, `rounding`, `translate`, `statuses`, `policy`.
"""
