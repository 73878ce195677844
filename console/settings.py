"""Settings, all from the environment: every `CCI_*` name is declared once in `console.env` with its meaning.

`make help-settings` prints them.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dj_database_url

from console import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.data_dir()
RUN_DIR = env.run_dir(DATA_DIR)

SECRET_KEY = env.secret(DATA_DIR, "secret-key")
DEBUG = env.flag("CCI_DEBUG")
ALLOWED_HOSTS = env.get("CCI_ALLOWED_HOSTS").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in env.get("CCI_TRUSTED_ORIGINS").split(",") if origin]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "django_htmx",
    "iam",
    "workloads",
    "billing",
    "console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.middleware.Compressed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "console.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.middleware.content_security_policy",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
AUTH_USER_MODEL = "iam.User"
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "frontend" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "loaders": ["django.template.loaders.filesystem.Loader"]
            if DEBUG
            else [("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'cci.sqlite3'}",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
    }
    # A file, as in production: in memory, threads would share one connection's locks and fail instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A server that is out of reach is noticed within seconds, and a process that was frozen in the middle of a write
    # does not keep everybody else's writes waiting. What DATABASE_URL says itself wins.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20000,
        "options": "-c idle_in_transaction_session_timeout=30000",
        **DATABASES["default"].get("OPTIONS", {}),
    }

REDIS_URL = os.environ.get("REDIS_URL") or f"unix://{RUN_DIR / 'redis.sock'}"
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://") if REDIS_URL.startswith("unix://") else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "retry_on_timeout": True}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_DB_REUSE_MAX = 10**12
"""Celery would connect to the database anew for every task; ours look whether their connection still lives."""

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / room / "locale" for room in ("frontend", "console", "console/rest")]
LANGUAGE_COOKIE_NAME = "cci_language"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "frontend" / "dist"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# A text of more than 3 MB is refused at its field and shown again; beyond this the request is not read at all.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# A ConfigMap has two fields for each key, a container up to five for each row.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * max(1, env.number("CCI_IDLE_MINUTES"))
"""A session ends so long after its person last asked for something: `console.access` renews it."""
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "console.rest.authentication.BearerToken",
        "console.rest.authentication.BrowserSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "console.rest.schema.Schema",
    "EXCEPTION_HANDLER": "console.rest.views.answer_refusals",
    "UNAUTHENTICATED_USER": None,
}
# What the OpenAPI document of that API says of itself; it is made in console.rest.schema.
SPECTACULAR_SETTINGS = {
    "TITLE": "Cloud Container Instance",
    "DESCRIPTION": (
        "What Kubernetes has no word for: prices and cost, ELBs as they are used, users and their rights, the audit "
        "trail. Everything else is asked of the Kubernetes API. Money is text, because JSON numbers are not decimal. "
        "Every failure is a Kubernetes Status. Writes with an Idempotency-Key are done once."
    ),
    "VERSION": "1.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],  # enums stay where they stand: named ones change names when another is added
}

# What the rooms below the console read as `django.conf.settings.NAME`: each is the setting CCI_NAME.
REGION = env.get("CCI_REGION")
HOST = env.get("CCI_HOST")
API_PORT = env.number("CCI_API_PORT")
API_URL = env.get("CCI_API_URL").rstrip("/")
AUDIT_DAYS = env.number("CCI_AUDIT_DAYS")
POD_API = env.address("CCI_POD_API")
DNS = env.address("CCI_DNS")
SHORTEST_IDLE = env.number("CCI_SHORTEST_IDLE")
ELB_POOL = env.network("CCI_ELB_POOL")
ADMIN_PASSWORD = env.get("CCI_ADMIN_PASSWORD")
KEY_FILE = Path(env.get("CCI_KEY_FILE") or DATA_DIR / "secrets" / "vault.key")
RUNTIME = env.get("CCI_RUNTIME")
NODE_NAME = env.get("CCI_NODE_NAME") or socket.gethostname()
OVERCOMMIT = env.number("CCI_OVERCOMMIT")
HOST_LOST_MINUTES = max(5, env.number("CCI_HOST_LOST_MINUTES"))
BILL_FAILED_PULLS = env.flag("CCI_BILL_FAILED_PULLS")
GPUS = env.cards("CCI_GPUS")
RESERVED_MEMORY = env.amount("CCI_RESERVED_MEMORY")
IMAGE_GC_HIGH_PERCENT = env.percent("CCI_IMAGE_GC_HIGH_PERCENT")
IMAGE_GC_LOW_PERCENT = env.percent("CCI_IMAGE_GC_LOW_PERCENT", most=IMAGE_GC_HIGH_PERCENT)
IMAGE_GC_MIN_AGE_SECONDS = env.number("CCI_IMAGE_GC_MIN_AGE_SECONDS")
DISK_FREE_PERCENT = env.percent("CCI_DISK_FREE_PERCENT")
WARM_POOL = env.number("CCI_WARM_POOL")
OFF_GRID = env.get("CCI_OFF_GRID")
NAMESPACE_QUOTA = env.number("CCI_NAMESPACE_QUOTA")
OPERATOR_ACCOUNT = env.get("CCI_OPERATOR_ACCOUNT")
ELB_QUOTA = env.number("CCI_ELB_QUOTA")
BUDGET_RESERVE_MINUTES = env.number("CCI_BUDGET_RESERVE_MINUTES")
ARREARS_GRACE_HOURS = env.number("CCI_ARREARS_GRACE_HOURS")
WEBHOOK_PRIVATE = env.get("CCI_WEBHOOK_PRIVATE") == "1"
globals().update(env.mail("CCI_EMAIL_URL"))
DEFAULT_FROM_EMAIL = env.get("CCI_EMAIL_FROM")
READ_CACHE = env.amount("CCI_READ_CACHE")
POD_CIDR = env.get("CCI_POD_CIDR")
INSTANCE_ID = env.secret(DATA_DIR, "instance-id")[:16]
METRICS_TOKEN = env.secret(DATA_DIR, "metrics-token")
AGENT_TOKEN = env.secret(DATA_DIR, "agent-token")
VOLUMES_DIR = Path(env.get("CCI_VOLUMES_DIR") or DATA_DIR / "pods").resolve()
LOG_DIR = Path(env.get("CCI_LOG_DIR") or DATA_DIR / "logs" / "pods").resolve()
LOG_RETENTION_DAYS = env.number("CCI_LOG_RETENTION_DAYS")
LOG_RETENTION_GIB = env.number("CCI_LOG_RETENTION_GIB")
STORAGE_CLASSES = env.paths("CCI_STORAGE_CLASSES")
AGENT_SOCKET = Path(env.get("CCI_AGENT_SOCKET") or RUN_DIR / "agent.sock")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"httpx": {"level": "WARNING"}, "uvicorn.error": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.get("CCI_LOG_LEVEL")},
}
