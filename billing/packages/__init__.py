"""Resource packages: core-hours and GiB-hours that an account has been granted and uses before it pays by the second.

covering  what a package pays for: a pure walk, day by day, hour by hour, segment by segment
coverage  the walk over an account's ledger
models    packages, and what closed months have used of them
door      who may grant, end and see them
"""
