from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billing import client, columns
        from billing.budgets import cap
        from workloads.admission import hooks

        hooks.register_price(client.price)
        hooks.register_on_admit(client.price_notice)
        hooks.register_guards(cap.guards)
        hooks.register_cost_cells(columns.cells)
        post_migrate.connect(_default_prices, sender=self)


def _default_prices(**_: Any) -> None:
    from billing import prices

    prices.ensure_defaults()
