"""The product's own REST API, for what Kubernetes has no word for: prices and cost, users and their rights."""
