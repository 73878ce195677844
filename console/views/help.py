"""Help: what things are, what they cost, what a state means and what to do, on one page."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from billing import client as billing
from billing.client import NoPrice, Rate
from console import restsight, sections
from console.access import Visit
from console.pages import Context, page
from console.states import State


@dataclass(frozen=True)
class Answer:
    question: str
    text: str


@page("help.html")
def help_page(visit: Visit) -> Context:
    return {
        "section": "help",
        "words": _words(),
        "money": _money(),
        "one_core": _price(1000, 2048),
        "states": _states(),
        "keys": [
            ("Ctrl K", _("search for an object or a page")),
            ("Ctrl Space", _("in a YAML text: what may stand here")),
            ("/", _("look for a name in this list")),
            (f"g {' '.join(key for key in sections.SHORTCUTS.values() if key != '?')}", _("go to a section")),
            ("j k", _("go down and up in a list; Enter opens")),
            ("x X", _("choose a row, or all up to it; Escape chooses none")),
            ("?", _("this page")),
            ("Esc", _("close what is open")),
        ],
    }


@page("help_rest.html")
def rest_reference(visit: Visit) -> Context:
    """The operations of the OpenAPI document, without leaving the console."""
    url = visit.request.build_absolute_uri("/api/v1/price?cpu=1&memory=2")
    first = f'export TOKEN=$(cci-iam-authenticator token --token-only)\ncurl -H "Authorization: Bearer $TOKEN" "{url}"'
    return {"section": "help", "groups": restsight.groups(), "first": first}


def _words() -> list[Answer]:
    return [
        Answer(
            _("Namespace"), _("A place for workloads with a network of its own. Nothing outside it reaches its pods.")
        ),
        Answer(
            _("Deployment"),
            _("A number of equal pods that are kept running, and replaced step by step when you change them."),
        ),
        Answer(
            _("Job"),
            _("Pods that run until enough of them have succeeded. What fails is tried again, up to its backoff limit."),
        ),
        Answer(
            _("Image"),
            _(
                "What a container starts from, by name and tag. One that stands ready on this host starts without a"
                " pull; any other is pulled from its registry, and billed from then on."
            ),
        ),
        Answer(_("CronJob"), _("Makes a Job whenever its time has come, and keeps the last few.")),
        Answer(
            _("Service"),
            _("One name and one address for pods that come and go. Only pods of its own namespace reach it there."),
        ),
        Answer(
            _("ELB and Ingress"),
            _("An ELB is an address outside. Services bring it ports, Ingresses hosts, paths and certificates."),
        ),
        Answer(
            _("Network"),
            _("The range that gives the pods of a namespace their addresses. It comes with the namespace and stays."),
        ),
        Answer(
            _("Claim"),
            _("A folder that outlives the pods that mount it (PersistentVolumeClaim). Deleting the claim removes it."),
        ),
        Answer(
            _("ConfigMap and Secret"),
            _("Values by key that containers take as variables or files. A Secret's are shown one by one, when asked."),
        ),
        Answer(
            _("Policy and role"),
            _("A policy says what a user may do in the account. In a namespace with roles, a role is needed as well."),
        ),
        Answer(
            _("User and group"),
            _("People of the account. A user has their own policies and their groups'; a Deny beats every Allow."),
        ),
        Answer(
            _("Namespace access"),
            _(
                "Who has which role in a namespace, and what somebody may do there. For people roles count"
                " where the namespace was requested with the RBAC switch. Roles of your own are written there, too."
            ),
        ),
        Answer(
            "ServiceAccount",
            _("What a pod is when it asks the API. It has no policy: roles alone say what it may do."),
        ),
        Answer(
            _("Audit"),
            _("Who wrote or was denied what, when and from where. Entries seal one another (manage.py audit)."),
        ),
        Answer(_("Pod"), _("One or more containers that start, stop and are billed together. It has one IP address.")),
        Answer(
            _("Pod specification"),
            _("Cores and memory of a pod, from the operator's grid: usually 0.25 to 32 cores, 2 to 8 GiB a core."),
        ),
        Answer(
            _("Access key"),
            _("A name (AK) and a secret (SK) with which programs sign in for you. SK is shown once, never sent."),
        ),
        Answer(
            _("Draft"),
            _(
                "What you typed into a form or as YAML and did not send. It stays in your browser, a week at most and"
                " until you sign out there; one with a Secret in it until its tab is closed."
            ),
        ),
        Answer(
            _("Terminal"),
            _("A shell in a running container, on the pod's page: as kubectl exec -it. It ends with the page."),
        ),
        Answer(
            _("Ended pods"),
            _("Pods that are gone: how they ended, and their logs to read and download, for some days."),
        ),
        Answer(
            _("In use"),
            _("What a pod's containers use now: CPU over the last 15 seconds, memory without unused file cache."),
        ),
        Answer(
            _("Autoscaler"),
            _("Keeps the average load of a deployment near a target by adding and removing pods, between two numbers."),
        ),
        Answer(
            _("Scale to zero"),
            _(
                "A deployment whose Service or ELB nobody asks for a while stops, and costs nothing."
                " The next request waits a moment, until its pods have started."
            ),
        ),
        Answer(
            _("Bursting"),
            _(
                "A virtual node in a Kubernetes cluster of yours, whose pods run here. When nothing is heard of the"
                " cluster for 15 minutes, they end, and so does their bill."
            ),
        ),
        Answer(
            _("Scaling policy"),
            _("Changes the number of pods by an alarm on load, at a time, or periodically. Not with an autoscaler."),
        ),
    ]


def _money() -> list[Answer]:
    return [
        Answer(_("What is billed?"), _("The pod specification, by the second, whatever the containers use of it.")),
        Answer(_("From when?"), _("From the start of the image pull. Waiting for room costs nothing.")),
        Answer(_("Until when?"), _("Until the last container has ended for good, or the deleted pod has stopped.")),
        Answer(
            _("And restarts?"),
            _("A restart inside a pod does not interrupt the bill. Scaled to 0, a workload is free."),
        ),
        Answer(
            _("Can I limit it?"),
            _(
                "With a budget: it tells at its thresholds, and at 100 % it can refuse more pods or suspend what runs."
                " Nothing is deleted, and one click brings it back."
            ),
        ),
        Answer(
            _("Prepaid?"),
            _(
                "If the operator makes an account so. When nothing is left a grace period begins; then what runs is"
                " suspended, and comes back with the next credit."
            ),
        ),
        Answer(
            _("What will it cost?"),
            _("Prices in the rail has the list with its history and what comes, and a calculator that asks the bill."),
        ),
        Answer(
            _("Is it too large?"),
            _(
                "The Cost tab says what a pod needed in the last week, what is paid for beyond it, and which smaller"
                " size would do, as soon as enough is known."
            ),
        ),
        Answer(
            _("Can I check it?"),
            _("Each pod's Cost tab shows the periods behind its bill; they follow from Docker's own times."),
        ),
        Answer(
            _("What is a resource package?"),
            _("Core-hours or GiB-hours that are paid for already. They are used up first, those that are lost first."),
        ),
        Answer(
            _("When is a month final?"),
            _("Six hours into the next one. What turns out later is a correction in the month that is open then."),
        ),
        Answer(
            _("How is it rounded?"),
            _("Each line of a statement once, half up, to four places. The total is the sum of the lines as shown."),
        ),
        Answer(
            _("What is the forecast?"),
            _("What the month has cost so far, and what runs now until its end."),
        ),
    ]


def _states() -> list[State]:
    """The same marks the lists show; the advice is what one can do."""
    return [
        State(_("Queued"), _("accepted, waits for its turn"), "busy", "hollow"),
        State(
            _("Waiting"),
            _("no room on this host"),
            "warn",
            "triangle",
            advice=_("It starts by itself when room is free. Stop something else, or choose a smaller specification."),
        ),
        State(_("Pulling"), _("the image is on its way"), "busy", "ring"),
        State(
            _("Image problem"),
            _("the registry said no, or did not answer"),
            "bad",
            "diamond",
            advice=_("Correct the name, or put the image where it is looked for: the pull is tried again by itself."),
        ),
        State(_("Creating"), _("containers are being made"), "busy", "ring"),
        State(_("Running"), _("its containers run and are ready"), "ok", "dot"),
        State(
            _("Restarting"),
            _("a container ended and is started again, later each time"),
            "bad",
            "diamond",
            advice=_("Read the last lines on the pod's page; more memory helps when it says out of memory."),
        ),
        State(
            _("Evicted"),
            _("kept more on the disk than it may, and was stopped"),
            "bad",
            "diamond",
            advice=_(
                "Write less, or raise ephemeral-storage or sizeLimit. A pod has 20 GiB in all; its owner makes another."
            ),
        ),
        State(
            _("Not reached"),
            _("a Service or an Ingress whose port, or host and path, belongs to another one"),
            "bad",
            "diamond",
            advice=_("The one that was there first keeps it: choose another port, path or ELB, or delete that one."),
        ),
        State(
            _("Nobody ready"),
            _("a Service none of whose pods is ready"),
            "warn",
            "triangle",
            advice=_("Look at its backends. The ELB answers 503 meanwhile."),
        ),
        State(_("Terminating"), _("asked to stop, has its grace period to do so"), "busy", "ring"),
        State(_("Completed"), _("ended, and was meant to"), "idle", "square"),
        State(_("Complete"), _("a Job of which enough pods have succeeded; it costs nothing more"), "idle", "square"),
        State(_("Suspended"), _("a Job or CronJob that was told to wait; it makes nothing new"), "idle", "hollow"),
        State(
            _("Failing"),
            _("the last Job of a CronJob failed, or a Job is being given up"),
            "bad",
            "diamond",
            advice=_("Mend the cause; “Run now” tries a CronJob at once."),
        ),
        State(
            _("Failed"),
            _("a pod that ended badly, or a Job that was given up: too many failures, or its time is over"),
            "bad",
            "diamond",
            advice=_("Read the logs of the pods that failed, mend the cause, and run the Job again."),
        ),
    ]


def _price(cpu_millis: int, memory_mib: int) -> Rate | None:
    try:
        return billing.rate(cpu_millis, memory_mib)
    except NoPrice:
        return None
