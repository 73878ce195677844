"""From a pod in the store to containers on this host, and back into its status. Nothing else starts or stops them.

reconcile   one look at one pod, as a story of small steps (the only module that acts)
look        what one look knows and gathers: pod, runtime, time, events to tell, when to come back
placement   is there room on this host?
images      is the image here, must it be pulled, how long until the next try?    (pure)
pulls       pulls that run in the background, one an image
restarts    which containers start, wait or rest?                                 (pure)
status      what `kubectl get` will show                                          (pure)
lifecycle   the pod's own times: set once, kept for ever, billed from             (pure)
ending      TERM, grace, KILL, gone
"""
