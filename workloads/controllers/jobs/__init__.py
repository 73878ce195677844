"""A Job runs pods until enough of them have succeeded, and counts each of them exactly once.

    reconcile   one look at one Job (the only module that acts)
    claims      whose pods, and letting go of them
    births      the manifest of one pod                                     (pure)
    pods        what one pod means to its Job                               (pure)
    policies    podFailurePolicy and successPolicy                          (pure)
    backoff     how long after a failure the next pod may come              (pure)
    verdicts    whether the Job is decided, and why                         (pure)
    tally       who is counted: the status                                  (pure)
    moves       which pods come and go                                      (pure)

Counting: a pod carries a finalizer from its birth. When it ends, its uid is written into the status
(`uncountedTerminatedPods`); then the finalizer goes; then, in one write, the uid leaves it and the number grows.
Whoever dies in between: a pod with the finalizer and without its uid there has not been counted, everything else has.

The rules, reasons and messages are the Job controller's of Kubernetes.
"""
