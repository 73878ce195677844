"""A Deployment keeps one ReplicaSet a template and moves replicas from the old ones to the new one.

    reconcile   one look at one Deployment (the only module that acts)
    revisions   which ReplicaSet is the new one, its name, its number in the history   (pure)
    rollout     how many replicas each ReplicaSet should have now                      (pure)
    progress    counts and conditions                                                  (pure)

The rules, reasons and messages are the Deployment controller's of Kubernetes, so that `kubectl rollout` can read them.
"""
