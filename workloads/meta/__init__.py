"""Words and rules every floor of the control plane shares: keys, errors, quantities, selectors, patches, conditions.

Nothing here does I/O and nothing here knows a kind.
"""
