"""How many pods the load asks for (`calculator`), how fast that may be followed (`behavior`), and who does it
(`reconcile`). The rules and their words are kube-controller-manager's."""
