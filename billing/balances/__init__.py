"""Prepaid accounts: what was credited less what was used. At nothing a grace period begins; when it is over the account
is frozen: what would start something is refused, what runs is suspended, and a credit brings it back. An account is
post-paid until the operator says otherwise.

    models   whether an account is prepaid, and its credits, which only grow
    funds    what is left, and when it will be used up
    watch    arrears, freezing and thawing, in the budgets' watcher
    door     who may do what
"""
