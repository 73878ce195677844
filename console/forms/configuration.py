"""Create or change a ConfigMap or a Secret: keys and values in rows, a file as a key, and the Secrets with fields of
their own (a registry's login, a certificate, a user's password).

What is stored and must not or cannot be typed (a Secret's value, binary data) stands in a row that is `kept`: empty, it
stays as it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.drafts import JSON, FieldError, Fields, rows, text
from workloads.kinds import bags, secrets

OPAQUE, LOGIN, TLS, BASIC = secrets.OPAQUE, secrets.DOCKER_CONFIG_JSON, secrets.TLS, secrets.BASIC_AUTH
TYPES = (OPAQUE, LOGIN, TLS, BASIC)
_KEYED = re.compile(r"(?:data|binaryData)\[(.*)\]")
_UNKNOWN_ALGORITHM = gettext_lazy(
    "Its algorithm or curve is not known here: use RSA, ECDSA or Ed25519, or create it from YAML."
)
_FIELDS = {
    "data[.dockerconfigjson]": "registry",
    "data[tls.crt]": "certificate",
    "data[tls.key]": "private_key",
    "data[username]": "username",
    "data[password]": "password",
    "metadata.name": "name",
    "metadata.namespace": "namespace",
    "immutable": "immutable",
}


@dataclass(frozen=True)
class RowDraft:
    key: str = ""
    value: str = ""
    kept: bool = False
    """It is stored; with nothing typed it stays."""
    encoded: bool = False
    """`value` is base64 of a file that is no text."""

    @property
    def blank(self) -> bool:
        return not (self.key or self.value or self.kept)


@dataclass(frozen=True)
class BagDraft:
    kind: str
    name: str
    namespace: str
    type: str
    rows: tuple[RowDraft, ...]
    immutable: bool
    registry: str = ""
    username: str = ""
    password: str = ""
    certificate: str = ""
    private_key: str = ""
    version: str = ""
    """The resourceVersion the form was made from: who wrote meanwhile is not overwritten."""
    files: int = 0
    """How many files were taken so far: the field for the next one is a new one, with no file chosen in it."""

    @classmethod
    def read(cls, kind: str, fields: Fields) -> BagDraft:
        return cls(
            kind=kind,
            name=text(fields, "name"),
            namespace=text(fields, "namespace"),
            type=text(fields, "type", OPAQUE) if kind == "Secret" else "",
            rows=tuple(_row(fields, f"rows-{index}-") for index in rows(fields, "rows-")) or (RowDraft(),),
            immutable="immutable" in fields,
            registry=text(fields, "registry"),
            username=text(fields, "username"),
            password=fields.get("password", ""),
            certificate=_unix(fields.get("certificate", "")).strip(),
            private_key=_unix(fields.get("private_key", "")).strip(),
            version=text(fields, "version"),
            files=_count(text(fields, "files")),
        )

    @classmethod
    def of(cls, kind: str, obj: JSON) -> BagDraft:
        """What is stored, as a form shows it: no value of a Secret among it."""
        metadata = obj["metadata"]
        texts, blobs = obj.get("data") or {}, obj.get("binaryData") or {}
        shown = [_stored(kind, key, value) for key, value in texts.items()]
        shown += [RowDraft(key, kept=True) for key in blobs]
        return cls(
            kind=kind,
            name=metadata["name"],
            namespace=metadata.get("namespace", ""),
            type=obj.get("type", ""),
            rows=tuple(sorted(shown, key=lambda row: row.key)) or (RowDraft(),),
            immutable=bool(obj.get("immutable")),
            version=metadata.get("resourceVersion", ""),
        )

    def with_file(self, name: str, content: bytes) -> BagDraft:
        """A file as a key: in the row of this key, else in the first empty row, else in one more."""
        try:
            row = RowDraft(name, content.decode())
        except UnicodeDecodeError:
            row = RowDraft(name, base64.b64encode(content).decode(), encoded=True)
        if not _typeable(row.value):
            row = RowDraft(name, base64.b64encode(content).decode(), encoded=True)
        places = [index for index, one in enumerate(self.rows) if one.key == name]
        places += [index for index, one in enumerate(self.rows) if one.blank]
        at = places[0] if places else len(self.rows)
        return replace(self, rows=(*self.rows[:at], row, *self.rows[at + 1 :]), files=self.files + 1)

    @property
    def has_rows(self) -> bool:
        """Whether it is typed as keys and values; when stored, every type is."""
        return self.type in ("", OPAQUE) or bool(self.version)

    @property
    def sent(self) -> list[tuple[int, RowDraft]]:
        return [(index, row) for index, row in enumerate(self.rows) if not row.blank]

    def problems(self) -> list[FieldError]:
        found = []
        if not self.name:
            found.append(FieldError("name", _("Give it a name: lower-case letters, digits, “-” and “.”.")))
        if not self.has_rows:
            return found + self._typed_problems()
        seen: set[str] = set()
        for index, row in self.sent:
            if not row.key:
                found.append(FieldError(f"rows-{index}-key", _("Name the key: letters, digits, “-”, “_” and “.”.")))
            elif row.key in seen:
                found.append(FieldError(f"rows-{index}-key", _("This key stands above already: give it another name.")))
            seen.add(row.key)
        return found

    def manifest(self, stored: JSON | None = None) -> JSON:
        """`stored` is what is changed: what is kept, labels and annotations come from it."""
        if stored is not None:
            kept = {key: value for key, value in stored.items() if key not in ("data", "binaryData", "immutable")}
            base: JSON = {**kept, "metadata": {**stored["metadata"], "resourceVersion": self.version}}
        else:
            metadata = {"name": self.name, "namespace": self.namespace}
            base = {"apiVersion": "v1", "kind": self.kind, "metadata": metadata}
            if self.kind == "Secret":
                base["type"] = self.type
        if self.immutable:
            base["immutable"] = True
        return {**base, **(self._bags(stored or {}) if self.has_rows else {"data": self._typed_data()})}

    def manifests(self) -> list[JSON]:
        return [self.manifest()]

    def field_of(self, path: str) -> str:
        match = _KEYED.match(path)
        if match and self.has_rows:
            found = next((index for index, row in self.sent if row.key == match[1]), None)
            return "" if found is None else f"rows-{found}-key"
        return next((field for start, field in _FIELDS.items() if path.startswith(start)), "")

    def _bags(self, stored: JSON) -> JSON:
        data: dict[str, str] = {}
        blobs: dict[str, str] = {}
        for _index, row in self.sent:
            if row.kept and not row.value:
                old_data, old_blobs = stored.get("data") or {}, stored.get("binaryData") or {}
                if row.key in old_data:
                    data[row.key] = old_data[row.key]
                elif row.key in old_blobs:
                    blobs[row.key] = old_blobs[row.key]
            elif self.kind == "Secret":
                data[row.key] = row.value if row.encoded else _base64(row.value)
            elif row.encoded:
                blobs[row.key] = row.value
            else:
                data[row.key] = row.value
        return {name: bag for name, bag in (("data", data), ("binaryData", blobs)) if bag}

    def _typed_data(self) -> dict[str, str]:
        if self.type == LOGIN:
            auth = _base64(f"{self.username}:{self.password}")
            login = {"username": self.username, "password": self.password, "auth": auth}
            config = orjson.dumps({"auths": {self.registry: login}}).decode()
            return {secrets.DOCKER_CONFIG_JSON_KEY: _base64(config)}
        if self.type == TLS:
            return {"tls.crt": _base64(f"{self.certificate}\n"), "tls.key": _base64(f"{self.private_key}\n")}
        return {"username": _base64(self.username), "password": _base64(self.password)}

    def _typed_problems(self) -> list[FieldError]:
        if self.type == TLS:
            return certificate_problems(self.certificate, self.private_key)
        found = []
        if self.type == LOGIN and not self.registry:
            found.append(FieldError("registry", _("Name the registry as images do, for example registry.example.com.")))
        if not self.username:
            found.append(FieldError("username", _("Give the user's name.")))
        if not self.password:
            found.append(FieldError("password", _("Give the password.")))
        return found


def certificate_problems(certificate: str, private_key: str) -> list[FieldError]:
    """That the two can be read and belong together; an error never quotes the key."""
    if not certificate or not private_key:
        missing = {"certificate": certificate, "private_key": private_key}
        said = _("Paste it in PEM form, from -----BEGIN to the end.")
        return [FieldError(name, said) for name, value in missing.items() if not value]
    found, made_for, key_of = [], None, None
    try:
        made_for = x509.load_pem_x509_certificates(certificate.encode())[0].public_key()
    except UnsupportedAlgorithm:
        found.append(FieldError("certificate", str(_UNKNOWN_ALGORITHM)))
    except (ValueError, IndexError, x509.InvalidVersion):
        found.append(
            FieldError("certificate", _("This is no certificate in PEM form: it begins -----BEGIN CERTIFICATE."))
        )
    try:
        key_of = load_pem_private_key(private_key.encode(), password=None).public_key()
    except UnsupportedAlgorithm:
        found.append(FieldError("private_key", str(_UNKNOWN_ALGORITHM)))
    except (ValueError, TypeError):
        said = _("This is no private key in PEM form without a password: it begins -----BEGIN PRIVATE KEY or similar.")
        found.append(FieldError("private_key", said))
    if made_for is not None and key_of is not None:
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if made_for.public_bytes(*form) != key_of.public_bytes(*form):
            found.append(FieldError("private_key", _("This key does not belong to the certificate (its first one).")))
    return found


def too_large(size: int) -> str:
    """What is wrong with a file of so many bytes; "" when nothing is."""
    if size <= bags.MOST_BYTES:
        return ""
    said = _("The file has %(size)s bytes; all values together may have 1 MiB (%(most)s bytes).")
    return said % {"size": f"{size:,}", "most": f"{bags.MOST_BYTES:,}"}


def _row(fields: Mapping[str, str], prefix: str) -> RowDraft:
    return RowDraft(
        key=fields.get(prefix + "key", "").strip(),
        value=_unix(fields.get(prefix + "value", "")),
        kept=bool(fields.get(prefix + "kept")),
        encoded=bool(fields.get(prefix + "encoded")),
    )


def _stored(kind: str, key: str, value: str) -> RowDraft:
    """What a form would not give back as it is stays as it is."""
    if kind == "Secret" or not _typeable(value):
        return RowDraft(key, kept=True)
    return RowDraft(key, value)


def _typeable(value: str) -> bool:
    """A form turns line ends into its own, and NUL into another character."""
    return "\r" not in value and "\0" not in value


def _count(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 5 else 0


def _unix(value: str) -> str:
    return value.replace("\r\n", "\n")


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
