"""Mounted under /api/v1/ of the console."""

from django.urls import path, re_path

from console.rest import balances, bills, budgets, elbs, packages, people, prices, trails, views

urlpatterns = [
    path("price", views.PriceView.as_view(), name="rest-price"),
    path("calculator", prices.CalculatorView.as_view(), name="rest-calculator"),
    path("prices", prices.PricesView.as_view(), name="rest-prices"),
    path("prices/preview", prices.PricePreviewView.as_view(), name="rest-price-preview"),
    path("prices/csv", prices.PriceCsvView.as_view(), name="rest-price-csv"),
    path("prices/<int:number>", prices.PriceEntryView.as_view(), name="rest-price-entry"),
    path("pod-specifications", views.PodSpecificationsView.as_view(), name="rest-pod-specifications"),
    path("settings", views.SettingsView.as_view(), name="rest-settings"),
    path("cost", views.CostView.as_view(), name="rest-cost"),
    path("namespaces/<str:namespace>/pods/<str:name>/cost", views.PodCostView.as_view(), name="rest-pod-cost"),
    path("bills", bills.BillsView.as_view(), name="rest-bills"),
    path("bills/<str:period>", bills.BillView.as_view(), name="rest-bill"),
    path("bills/<str:period>/focus", bills.FocusView.as_view(), name="rest-bill-focus"),
    path("bills/<str:period>/focus.csv", bills.FocusTableView.as_view(), name="rest-bill-focus-csv"),
    path("bills/<str:period>/proof", bills.ProofView.as_view(), name="rest-bill-proof"),
    path("packages", packages.PackagesView.as_view(), name="rest-packages"),
    path("packages/<int:number>", packages.PackageView.as_view(), name="rest-package"),
    path("usage", bills.UsageView.as_view(), name="rest-usage"),
    path("elbs", elbs.ElbsView.as_view(), name="rest-elbs"),
    path("elbs/<str:name>", elbs.ElbView.as_view(), name="rest-elb"),
    path("balance", balances.BalanceView.as_view(), name="rest-balance"),
    path("balance/credits", balances.CreditsView.as_view(), name="rest-credits"),
    path("budgets", budgets.BudgetsView.as_view(), name="rest-budgets"),
    path("budgets/<str:name>", budgets.BudgetView.as_view(), name="rest-budget"),
    path("budgets/<str:name>/resume", budgets.BudgetResumeView.as_view(), name="rest-budget-resume"),
    path("audit", trails.AuditView.as_view(), name="rest-audit"),
    path("users", people.UsersView.as_view(), name="rest-users"),
    path("users/<str:name>", people.UserView.as_view(), name="rest-user"),
    path("users/<str:name>/policies/<str:policy>", people.UserPolicyView.as_view(), name="rest-user-policy"),
    path("groups", people.GroupsView.as_view(), name="rest-groups"),
    path("groups/<str:name>", people.GroupView.as_view(), name="rest-group"),
    path("groups/<str:name>/members/<str:member>", people.MemberView.as_view(), name="rest-member"),
    path("groups/<str:name>/policies/<str:policy>", people.GroupPolicyView.as_view(), name="rest-group-policy"),
    path("policies", people.PoliciesView.as_view(), name="rest-policies"),
    path("policies/<str:name>", people.PolicyView.as_view(), name="rest-policy"),
    re_path(".*", views.NothingView.as_view(), name="rest-nothing"),
]
