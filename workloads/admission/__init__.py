"""Everything between a manifest and an object: authorize, identify, default, validate, pod specification, quota, hooks.

`chain` puts the steps in order; every other module is one step. A step raises the error that already is the answer.
"""
