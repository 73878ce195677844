"""The proxy tier: tells Envoy whom to serve (`ads`), answers pods' questions for names (`dns`), says when what was
written has reached the proxy (`doors`). One process, `manage.py traffic`; Envoy is another, under the same supervisor.
"""
