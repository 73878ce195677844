"""Who is reached where: from Services, Ingresses, ELBs and endpoints to listeners, Envoy's resources and DNS answers.

Pure, and used from two sides: the controllers say in statuses and events what is decided here, the proxy tier
(`workloads.elb`) does it.
"""
