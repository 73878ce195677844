"""What this API answers, as the OpenAPI document says it, a module a subject.

Nothing is computed here: views give these fields, and a test holds every answer against them.
"""
