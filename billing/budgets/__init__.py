"""Budgets that act. A budget watches what an account, a namespace or one workload costs in a period, notifies at its
thresholds, and at 100 % does what it was told: notify, refuse new pods, or suspend what runs.

    models    the tables: budgets, what was crossed, who was told
    periods   a month, a day, or all of it (pure)
    spending  what a budget has spent and how fast that grows
    promises  what the objects in scope ask for, whether it runs yet or not
    cap       admission: what would pass the cap is refused, inside the write's transaction
    watcher   sleeps until the next threshold, or until the meter has news
    actions   what happens at 100 %, and the way back
    door      who may do what: pages and the REST API ask here
"""
