"""A Deployment's scaling policies: when each is due (`occasions`, pure), and who does it (`reconcile`)."""
