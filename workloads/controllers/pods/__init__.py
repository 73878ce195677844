"""From a pod in the store to containers on this host, and back into its status. Nothing else starts or stops them.

`waking` says which changes mean a look, and `reconcile` is one look, told as small steps over `look` (what one look
knows and gathers). Its steps: `placement` (is there room?), `supply` (get the images here, with `pulls` in the
background), `life` (what happens while containers run, with `hooks` in the background), `stops` (preStop, TERM, grace,
KILL) and `ending` (stopped, then gone).

What they decide is computed without I/O: `images` (here, pull, or wait?), `order` (whose turn is it?), `restarts`
(start, wait or rest?), `health` (started, ready, or to be killed, by what the agent's probes said), `status`
(what `kubectl get` will show) and `lifecycle` (the pod's own times: set once, kept for ever, billed from).
"""
