"""What this API answers, as the OpenAPI document says it. Nothing is computed here: views give these fields, and a test
holds every answer against them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

JSON = dict[str, Any]
AMOUNT = r"^-?\d+(\.\d+)?$"


def money(**rest: Any) -> serializers.RegexField:
    """An exact decimal as text, without an exponent."""
    return serializers.RegexField(AMOUNT, **rest)


def names(**rest: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **rest)


class Paged(serializers.Serializer[JSON]):
    """One page of a list (`console.rest.paging`)."""

    def get_fields(self) -> dict[str, Any]:
        token = serializers.CharField(allow_null=True, help_text="Of the next page; null on the last one.")
        return {**super().get_fields(), "continue": token}


class RateAnswer(serializers.Serializer[JSON]):
    """A month has 30 days."""

    currency = serializers.CharField()
    perSecond = money()
    perHour = money()
    perMonth = money()


class PriceAnswer(RateAnswer):
    """A month has 30 days."""

    perDay = money()


class PriceEntryAnswer(serializers.Serializer[JSON]):
    """`amount` a second for one core (vcpu), GiB (memory) or card, from `effectiveFrom` until `until`."""

    id = serializers.IntegerField()
    region = serializers.CharField()
    item = serializers.CharField()
    flavor = serializers.CharField(help_text="Empty: every flavor without a price of its own.")
    currency = serializers.CharField()
    amount = money()
    effectiveFrom = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="null while none follows.")
    state = serializers.ChoiceField(choices=["past", "in force", "coming"])


class PricesAnswer(Paged):
    items = PriceEntryAnswer(many=True)
    regions = names(help_text="Those that have prices, this installation's first.")


class ShiftAnswer(serializers.Serializer[JSON]):
    """null where there is no price."""

    before = RateAnswer(allow_null=True)
    after = RateAnswer(allow_null=True)


class AccountEffectAnswer(ShiftAnswer):
    account = serializers.CharField()
    pods = serializers.IntegerField()


class SizeEffectAnswer(ShiftAnswer):
    flavor = serializers.CharField()
    specification = serializers.CharField()


class EffectAnswer(ShiftAnswer):
    """What the pods that run now cost now (`before`), and would cost at `at` (`after`)."""

    region = serializers.CharField()
    at = serializers.DateTimeField()
    pods = serializers.IntegerField()
    accounts = AccountEffectAnswer(many=True)
    specifications = SizeEffectAnswer(many=True)


class ImportAnswer(serializers.Serializer[JSON]):
    added = serializers.IntegerField()
    replaced = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    effects = EffectAnswer(many=True)


class LaterAnswer(serializers.Serializer[JSON]):
    at = serializers.DateTimeField()
    price = RateAnswer()


class QuoteAnswer(serializers.Serializer[JSON]):
    """`price` when the pods start; `total` of the whole duration, with the prices that begin meanwhile (`later`)."""

    region = serializers.CharField()
    flavor = serializers.CharField()
    specification = serializers.CharField()
    pods = serializers.IntegerField()
    starts = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    price = PriceAnswer()
    total = money()
    later = LaterAnswer(many=True)


class MeterAnswer(serializers.Serializer[JSON]):
    """cost(t) = accrued + rate.perSecond x whole seconds from asOf to t, while running."""

    rate = RateAnswer()
    accrued = money()
    asOf = serializers.DateTimeField()
    running = serializers.BooleanField()
    seconds = serializers.IntegerField(help_text="Billed seconds behind `accrued`.")


class CostAnswer(MeterAnswer):
    pods = serializers.DictField(child=MeterAnswer(), help_text="Of each running pod by its uid, its whole life.")


class SegmentAnswer(serializers.Serializer[JSON]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    activity = serializers.ChoiceField(choices=["pull", "run"])
    open = serializers.BooleanField(help_text="Not written to the ledger yet.")


class PodCostAnswer(MeterAnswer):
    segments = SegmentAnswer(many=True)


class OfferAnswer(serializers.Serializer[JSON]):
    annotation = serializers.CharField(help_text="The value of resource.cci.io/pod-size-specs.")
    words = serializers.CharField()
    cpuMillis = serializers.IntegerField()
    memoryGiB = serializers.IntegerField()
    gpu = serializers.CharField(required=False)
    gpus = serializers.IntegerField(required=False)
    price = RateAnswer()


class PodSpecificationsAnswer(serializers.Serializer[JSON]):
    containers = serializers.DictField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    offers = OfferAnswer(many=True)


class SettingsAnswer(serializers.Serializer[JSON]):
    priceWarnings = serializers.BooleanField()


class QuotaAnswer(serializers.Serializer[JSON]):
    used = serializers.IntegerField()
    limit = serializers.IntegerField()


class ReferenceAnswer(serializers.Serializer[JSON]):
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()


class PortAnswer(serializers.Serializer[JSON]):
    port = serializers.IntegerField()
    protocol = serializers.CharField()


class ElbAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    id = serializers.CharField()
    address = serializers.CharField()
    internalAddress = serializers.CharField()
    description = serializers.CharField()
    state = serializers.CharField()
    message = serializers.CharField()
    listeners = PortAnswer(many=True)
    workloads = ReferenceAnswer(many=True)
    problems = serializers.ListField(child=serializers.DictField())
    created = serializers.CharField()


class ElbsAnswer(Paged):
    items = ElbAnswer(many=True)
    quota = QuotaAnswer()


class ElbServiceAnswer(serializers.Serializer[JSON]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    port = serializers.CharField()


class BackendsAnswer(serializers.Serializer[JSON]):
    ready = serializers.IntegerField()
    total = serializers.IntegerField()


class RuleAnswer(serializers.Serializer[JSON]):
    requests = serializers.CharField()
    exact = serializers.BooleanField()
    redirect = serializers.CharField(required=False)
    service = ElbServiceAnswer(required=False)
    by = ReferenceAnswer()
    backends = BackendsAnswer(required=False)


class CertificateAnswer(serializers.Serializer[JSON]):
    secret = serializers.CharField()
    subject = serializers.CharField()
    names = names()
    ends = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField()


class ListenerAnswer(PortAnswer):
    rules = RuleAnswer(many=True)
    certificates = CertificateAnswer(many=True)
    hidden = serializers.IntegerField(help_text="Rules of what the caller may not see.")


class OneElbAnswer(ElbAnswer):
    listeners = ListenerAnswer(many=True)
    figures = serializers.ListField(child=serializers.DictField(), required=False)


class BalanceAnswer(serializers.Serializer[JSON]):
    """`left` shrinks by `perSecond` while the same pods run. Money is null of a post-paid account."""

    account = serializers.CharField()
    currency = serializers.CharField()
    prepaid = serializers.BooleanField()
    state = serializers.ChoiceField(choices=["post-paid", "paid", "arrears", "frozen"])
    credits = money(allow_null=True)
    spent = money(allow_null=True)
    covered = money(allow_null=True, help_text="What resource packages paid beside `spent`.")
    left = money(allow_null=True)
    perSecond = money(allow_null=True)
    usedUp = serializers.DateTimeField(allow_null=True, help_text="If everything runs on.")
    graceEnds = serializers.DateTimeField(allow_null=True, help_text="When an account in arrears is frozen.")


class CreditAnswer(serializers.Serializer[JSON]):
    id = serializers.UUIDField()
    account = serializers.CharField()
    amount = money()
    currency = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    by = serializers.CharField()
    at = serializers.DateTimeField()


class CreditsAnswer(Paged):
    items = CreditAnswer(many=True)


class BudgetAnswer(serializers.Serializer[JSON]):
    """`spent` grows by `perSecond` while the same pods run; `forecast` is what it comes to at the end of the period.
    Both are what is left to pay; `covered` is what resource packages paid beside it."""

    name = serializers.CharField()
    scope = serializers.ChoiceField(choices=["account", "namespace", "workload"])
    namespace = serializers.CharField(allow_blank=True)
    workloadKind = serializers.CharField(allow_blank=True)
    workloadName = serializers.CharField(allow_blank=True)
    period = serializers.ChoiceField(choices=["monthly", "daily", "total"])
    periodStart = serializers.DateTimeField()
    periodEnd = serializers.DateTimeField(allow_null=True, help_text="Null of a total.")
    currency = serializers.CharField()
    amount = money()
    spent = money()
    covered = money()
    perSecond = money()
    listedPerSecond = money(help_text="At the list's price, before packages.")
    forecast = money(allow_null=True)
    thresholds = serializers.ListField(child=serializers.IntegerField())
    crossed = serializers.ListField(child=serializers.IntegerField(), help_text="Thresholds, in this period.")
    action = serializers.ChoiceField(choices=["notify", "stop", "suspend"])
    emails = names()
    webhook = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=["fine", "near", "over", "stopped", "suspended", "resuming"])
    version = serializers.IntegerField()


class BudgetsAnswer(Paged):
    items = BudgetAnswer(many=True)


class SuspendedAnswer(ReferenceAnswer):
    replicas = serializers.IntegerField(allow_null=True, help_text="Before; null of Jobs and CronJobs.")


class DeliveryAnswer(serializers.Serializer[JSON]):
    id = serializers.UUIDField(help_text="The header CCI-Delivery of a webhook: the same however often it is tried.")
    channel = serializers.ChoiceField(choices=["webhook", "email"])
    target = serializers.CharField()
    state = serializers.ChoiceField(choices=["pending", "delivered", "failed"])
    attempts = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)


class CrossingAnswer(serializers.Serializer[JSON]):
    threshold = serializers.IntegerField()
    at = serializers.DateTimeField()
    spent = money()
    amount = money()
    lapsed = serializers.BooleanField(help_text="The amount was changed afterwards: it can be crossed again.")
    done = serializers.BooleanField(help_text="Whether what follows from it has been done.")
    deliveries = DeliveryAnswer(many=True)


class OneBudgetAnswer(BudgetAnswer):
    webhookSecret = serializers.CharField(allow_blank=True, help_text="For whoever may change the budget.")
    resumeAtEnd = serializers.BooleanField()
    suspended = SuspendedAnswer(many=True)
    history = CrossingAnswer(many=True)


class EntryAnswer(serializers.Serializer[JSON]):
    """`previous` and `digest` are the seal: each entry's `previous` is the `digest` of the one before it."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    user = serializers.CharField()
    door = serializers.CharField()
    address = serializers.CharField()
    agent = serializers.CharField()
    action = serializers.CharField()
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    subresource = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["done", "denied", "failed"])
    message = serializers.CharField()
    changes = serializers.ListField(child=serializers.DictField())
    previous = serializers.CharField()
    digest = serializers.CharField()


class AuditAnswer(serializers.Serializer[JSON]):
    items = EntryAnswer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="What to give as `before` for those that are older.")


class UserAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    active = serializers.BooleanField()
    created = serializers.DateTimeField()
    groups = names()
    policies = names()


class OneUserAnswer(UserAnswer):
    effectivePolicies = names()


class GroupAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField()
    created = serializers.DateTimeField()
    members = names()
    policies = names()


class PolicyAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField()
    system = serializers.BooleanField()
    document = serializers.DictField()


class UsersAnswer(Paged):
    items = UserAnswer(many=True)


class GroupsAnswer(Paged):
    items = GroupAnswer(many=True)


class PoliciesAnswer(Paged):
    items = PolicyAnswer(many=True)


class MonthAnswer(serializers.Serializer[JSON]):
    month = serializers.CharField()
    state = serializers.ChoiceField(choices=["open", "closing", "closed"], help_text="A closed month never changes.")
    currency = serializers.CharField()
    billed = money()
    seconds = serializers.IntegerField()
    lines = serializers.IntegerField()


class BillsAnswer(Paged):
    items = MonthAnswer(many=True)


class WorkloadAnswer(serializers.Serializer[JSON]):
    kind = serializers.CharField()
    name = serializers.CharField()
    uid = serializers.CharField()


class BillLineAnswer(serializers.Serializer[JSON]):
    """One workload at one size and price. `billed` is `listed` less `covered`, rounded half up to four places."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    workload = WorkloadAnswer()
    region = serializers.CharField()
    flavor = serializers.CharField()
    cpuMillis = serializers.IntegerField()
    memoryMiB = serializers.IntegerField()
    gpu = serializers.CharField(allow_blank=True)
    gpus = serializers.IntegerField()
    activity = serializers.ChoiceField(choices=["pull", "run"], help_text="pull: before the pod had started.")
    project = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    corrects = serializers.CharField(allow_null=True, help_text="The closed month it corrects.")
    seconds = serializers.IntegerField()
    perSecond = money()
    currency = serializers.CharField()
    listed = money(help_text="At the list's price.")
    covered = money(help_text="Paid by resource packages.")
    billed = money()


class BillAnswer(Paged):
    """`billed` is the sum of the lines as they are shown. `hidden` lines are of namespaces the caller may not see; no
    sum counts them."""

    account = serializers.CharField()
    period = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=["open", "closing", "closed"])
    closed = serializers.DateTimeField(allow_null=True)
    currency = serializers.CharField()
    listed = money()
    covered = money()
    billed = money()
    seconds = serializers.IntegerField()
    lines = serializers.IntegerField()
    hidden = serializers.IntegerField()
    items = BillLineAnswer(many=True)


class DayLineAnswer(BillLineAnswer):
    day = serializers.DateField()


class UsageAnswer(Paged):
    items = DayLineAnswer(many=True)


class FocusAnswer(Paged):
    items = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(allow_null=True, allow_blank=True)),
        help_text="By FOCUS' column names; those of our own begin with x_.",
    )


class ProofAnswer(serializers.Serializer[JSON]):
    proven = serializers.BooleanField()
    pods = serializers.IntegerField()
    segments = serializers.IntegerField()
    seconds = serializers.IntegerField()
    listed = money()
    differences = names()


class PackageAnswer(serializers.Serializer[JSON]):
    """`used` and `left` are of this month where it begins anew each month."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    item = serializers.ChoiceField(choices=["vcpu", "memory"], help_text="vcpu: core-hours; memory: GiB-hours.")
    hours = money()
    used = money()
    left = money()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    monthly = serializers.BooleanField()
    nextReset = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=["coming", "in force", "used up", "over"])


class PackagesAnswer(Paged):
    items = PackageAnswer(many=True)


class GrantAnswer(serializers.Serializer[JSON]):
    id = serializers.IntegerField()
    account = serializers.CharField()
    name = serializers.CharField()
