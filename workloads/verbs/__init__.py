"""What the client's verbs do, one idea a file. Only `workloads.client` calls in here; everybody else calls that."""
