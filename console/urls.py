"""Every page of the console. `tests/console/test_isolation.py` walks this table, so that no page forgets its guard."""

from django.urls import URLPattern, URLResolver, include, path

from console.views import (
    create,
    create_workload,
    create_yaml,
    cronjobs,
    deployments,
    help,
    jobs,
    kubectl,
    logs,
    namespaces,
    overview,
    pods,
    search,
    session,
)

_DEPLOYMENT = "namespaces/<slug:namespace>/deployments/<str:name>/"
_JOB = "namespaces/<slug:namespace>/jobs/<str:name>/"
_CRONJOB = "namespaces/<slug:namespace>/cronjobs/<str:name>/"
_POD = "namespaces/<slug:namespace>/pods/<str:name>/"

pages: list[URLPattern] = [
    path("sign-in/", session.sign_in, name="login"),
    path("sign-out/", session.sign_out, name="logout"),
    path("theme/", session.theme, name="theme"),
    path("", overview.overview, name="overview"),
    path("search/", search.search, name="search"),
    path("help/", help.help_page, name="help"),
    path("kubectl/", kubectl.access, name="kubectl"),
    path("kubectl/kubeconfig/", kubectl.kubeconfig, name="kubeconfig"),
    path("create/namespace/", create.namespace_create, name="namespace-create"),
    path("create/deployment/", create_workload.deployment_create, name="deployment-create"),
    path("create/yaml/", create_yaml.yaml_create, name="yaml-create"),
    path("namespaces/", namespaces.namespace_list, name="namespaces"),
    path("namespaces/<slug:namespace>/", namespaces.detail, name="namespace"),
    path("namespaces/<slug:namespace>/yaml/", namespaces.manifest, name="namespace-yaml"),
    path("namespaces/<slug:namespace>/events/", namespaces.events, name="namespace-events"),
    path("namespaces/<slug:namespace>/delete/", namespaces.delete, name="namespace-delete"),
    path("deployments/", deployments.deployment_list, name="all-deployments"),
    path("namespaces/<slug:namespace>/deployments/", deployments.deployment_list, name="deployments"),
    path(_DEPLOYMENT, deployments.detail, name="deployment"),
    path(f"{_DEPLOYMENT}peek/", deployments.peek, name="deployment-peek"),
    path(f"{_DEPLOYMENT}pods/", deployments.pods, name="deployment-pods"),
    path(f"{_DEPLOYMENT}events/", deployments.events, name="deployment-events"),
    path(f"{_DEPLOYMENT}upgrades/", deployments.upgrades, name="deployment-upgrades"),
    path(f"{_DEPLOYMENT}yaml/", deployments.manifest, name="deployment-yaml"),
    path(f"{_DEPLOYMENT}cost/", deployments.cost, name="deployment-cost"),
    path(f"{_DEPLOYMENT}scale/", deployments.scale, name="deployment-scale"),
    path(f"{_DEPLOYMENT}delete/", deployments.delete, name="deployment-delete"),
    path("jobs/", jobs.job_list, name="all-jobs"),
    path("namespaces/<slug:namespace>/jobs/", jobs.job_list, name="jobs"),
    path(_JOB, jobs.detail, name="job"),
    path(f"{_JOB}peek/", jobs.peek, name="job-peek"),
    path(f"{_JOB}pods/", jobs.pods, name="job-pods"),
    path(f"{_JOB}events/", jobs.events, name="job-events"),
    path(f"{_JOB}yaml/", jobs.manifest, name="job-yaml"),
    path(f"{_JOB}cost/", jobs.cost, name="job-cost"),
    path(f"{_JOB}suspend/", jobs.suspend, name="job-suspend"),
    path(f"{_JOB}scale/", jobs.scale, name="job-scale"),
    path(f"{_JOB}again/", jobs.run_again, name="job-again"),
    path(f"{_JOB}delete/", jobs.delete, name="job-delete"),
    path("cronjobs/", cronjobs.cronjob_list, name="all-cronjobs"),
    path("namespaces/<slug:namespace>/cronjobs/", cronjobs.cronjob_list, name="cronjobs"),
    path(_CRONJOB, cronjobs.detail, name="cronjob"),
    path(f"{_CRONJOB}peek/", cronjobs.peek, name="cronjob-peek"),
    path(f"{_CRONJOB}jobs/", cronjobs.jobs, name="cronjob-jobs"),
    path(f"{_CRONJOB}events/", cronjobs.events, name="cronjob-events"),
    path(f"{_CRONJOB}yaml/", cronjobs.manifest, name="cronjob-yaml"),
    path(f"{_CRONJOB}cost/", cronjobs.cost, name="cronjob-cost"),
    path(f"{_CRONJOB}suspend/", cronjobs.suspend, name="cronjob-suspend"),
    path(f"{_CRONJOB}run/", cronjobs.run, name="cronjob-run"),
    path(f"{_CRONJOB}delete/", cronjobs.delete, name="cronjob-delete"),
    path("pods/", pods.pod_list, name="all-pods"),
    path("namespaces/<slug:namespace>/pods/", pods.pod_list, name="pods"),
    path(_POD, pods.detail, name="pod"),
    path(f"{_POD}peek/", pods.peek, name="pod-peek"),
    path(f"{_POD}containers/", pods.containers, name="pod-containers"),
    path(f"{_POD}logs/", pods.logs, name="pod-logs"),
    path(f"{_POD}logs/stream/", logs.stream, name="pod-log-stream"),
    path(f"{_POD}events/", pods.events, name="pod-events"),
    path(f"{_POD}yaml/", pods.manifest, name="pod-yaml"),
    path(f"{_POD}cost/", pods.cost, name="pod-cost"),
    path(f"{_POD}delete/", pods.delete, name="pod-delete"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((pages, "console"))),
    path("api/v1/", include("console.rest.urls")),
]

handler400 = "console.views.refusals.bad_request"
