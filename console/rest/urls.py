"""Mounted under /api/v1/ of the console."""

from django.urls import path, re_path

from console.rest import views

urlpatterns = [
    path("price", views.PriceView.as_view(), name="rest-price"),
    path("pod-specifications", views.PodSpecificationsView.as_view(), name="rest-pod-specifications"),
    path("settings", views.SettingsView.as_view(), name="rest-settings"),
    path("cost", views.CostView.as_view(), name="rest-cost"),
    path("namespaces/<str:namespace>/pods/<str:name>/cost", views.PodCostView.as_view(), name="rest-pod-cost"),
    re_path(".*", views.NothingView.as_view(), name="rest-nothing"),
]
