"""`cci-iam-authenticator`: kubectl's exec plugin and the maker of kubeconfigs, for people's own machines.

A program of its own: standard library only, any Python from 3.9 on, nothing of Django and nothing of the rest of this
project, so that it starts fast and can be handed out as one file (`iam/bundle.py`). The service itself imports
`signing` alone, so that both sides speak of the same scheme.

    cli          the command line: flags, environment, prompts
    credentials  a token: from the cache, or from the endpoint
    cache        tokens on disk, one login for many kubectls
    identities   who signs in, and whom to trust
    endpoint     the HTTPS calls; each failure is a sentence and an exit code
    signing      how an access key signs a request
    entries      what a kubeconfig is told: cluster, user, context
    kubeconfig   merged as text, so that nothing of the user's is lost
    failures     what can go wrong, with exit codes
"""

NAME = "cci-iam-authenticator"
VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
"""Of kubectl's protocol; the first is written into kubeconfigs."""
