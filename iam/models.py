"""Accounts own everything; users belong to one account and act in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from iam.policies import ADMINISTRATOR


class Account(models.Model):
    """A tenant (IAM "domain"). Nothing of one account is visible to another."""

    name = models.CharField(max_length=64, unique=True)
    default_flavor = models.CharField(max_length=32, default="general-computing", blank=True)
    namespace_quota = models.PositiveIntegerField(null=True, blank=True)
    elb_quota = models.PositiveIntegerField(null=True, blank=True)
    off_grid = models.CharField(max_length=8, blank=True)
    price_warnings = models.BooleanField(default=True, db_default=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, account: Account, name: str, password: str, *, policies: Sequence[str] = (ADMINISTRATOR,)
    ) -> User:
        """Who is made by hand is an administrator unless other policies are named; people make each other with
        `iam.people`, and say what for."""
        user = self.model(account=account, name=name, login=f"{account.name}/{name}")
        user.set_password(password)
        user.save(using=self._db)
        Attachment.objects.bulk_create(Attachment(user=user, policy=policy) for policy in policies)
        return user


class User(AbstractBaseUser):
    """A person of an account. `login` is `<account>/<name>`, what Django calls the username."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="users")
    name = models.CharField(max_length=64)
    login = models.CharField(max_length=130, unique=True)
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=16, blank=True, default="", db_default="")
    """In which the console speaks to them; "" until they chose."""
    created = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="user_in_account"),)

    def __str__(self) -> str:
        return self.login


class AccessKey(models.Model):
    """A pair of keys (AK/SK) of a user, for programs. The secret is shown once and kept encrypted: signatures are
    checked with it, so a digest would not do."""

    ak = models.CharField(max_length=20, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_keys")
    sealed = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True)
    active = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)
    last_address = models.CharField(max_length=45, blank=True)

    def __str__(self) -> str:
        return self.ak


class Group(models.Model):
    """People of an account who get policies and roles together."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=250, blank=True)
    members = models.ManyToManyField(User, related_name="groups", blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="group_in_account"),)

    def __str__(self) -> str:
        return f"{self.account}/{self.name}"


class Policy(models.Model):
    """A policy that an account wrote itself; the system policies stand in `iam.policies`."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=250, blank=True)
    document = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="policy_in_account"),)

    def __str__(self) -> str:
        return f"{self.account}/{self.name}"


class Attachment(models.Model):
    """A policy given to a user or to a group. `policy` is the name of a system policy or of the account's own."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="attachments")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, null=True, related_name="attachments")
    policy = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "policy"), name="policy_once_a_user"),
            models.UniqueConstraint(fields=("group", "policy"), name="policy_once_a_group"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
                name="policy_of_user_or_group",
            ),
        )

    def __str__(self) -> str:
        return f"{self.policy} of {self.user or self.group}"


class Token(models.Model):
    """A bearer token of the Kubernetes API. Only its SHA-256 is kept; it lives 24 hours at most. `via` says how it was
    had, `access_key` with which key; `address` is who asked for it, `last_address` who used it last."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)
    revoked = models.BooleanField(default=False)
    via = models.CharField(max_length=16, blank=True)
    access_key = models.ForeignKey(AccessKey, on_delete=models.CASCADE, null=True, blank=True, related_name="tokens")
    address = models.CharField(max_length=45, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)
    last_address = models.CharField(max_length=45, blank=True)

    def __str__(self) -> str:
        return f"token of {self.user}"


class Nonce(models.Model):
    """A signed request that was heard. Every web process refuses it a second time, until its time is over anyway."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest


class LoginFailures(models.Model):
    """Wrong passwords in a row: for one login from one address, for one login, or from one address (`digest` hides
    which), so that guessing gets slow. `login` is the digest of the login, "" where it is of an address alone."""

    digest = models.CharField(max_length=64, primary_key=True)
    login = models.CharField(max_length=64, blank=True, default="", db_default="", db_index=True)
    count = models.PositiveIntegerField(default=0)
    last = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} wrong passwords"


class LoginPlace(models.Model):
    """A login that succeeded from an address (`digest` hides both): strangers' guesses do not lock it out there."""

    digest = models.CharField(max_length=64, primary_key=True)
    last = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest


class AuditEntry(models.Model):
    """One write, one denied call or one event of signing in, sealed into its account's chain (`iam.audit`). Never
    changed; `account` is a name, because the trail outlives what it tells of."""

    account = models.CharField(max_length=64)
    at = models.DateTimeField()
    user = models.CharField(max_length=200)
    door = models.CharField(max_length=16)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=100)
    kind = models.CharField(max_length=64, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    name = models.CharField(max_length=253, blank=True)
    subresource = models.CharField(max_length=32, blank=True)
    outcome = models.CharField(max_length=8)
    message = models.CharField(max_length=1000, blank=True)
    changes = models.JSONField(default=list)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = (models.Index(fields=("account", "-id"), name="audit_of_account"),)

    def __str__(self) -> str:
        return f"{self.user} {self.action} {self.name}"


class AuditStart(models.Model):
    """Where an account's trail begins after old entries were forgotten: the digest of the last of them."""

    account = models.CharField(max_length=64, primary_key=True)
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.account
