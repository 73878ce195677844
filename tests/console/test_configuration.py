"""ConfigMaps and Secrets: what is shown, what stays hidden, and what a form never loses."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from console.forms.configuration import certificate_problems
from iam.models import AuditEntry
from tests import manifests
from tests.console import scenes
from tests.console.test_pages import text_of

CONFIGMAPS, SECRETS = "/namespaces/shop/configmaps/", "/namespaces/shop/secrets/"
UNKNOWN_CURVE = """-----BEGIN PRIVATE KEY-----
MGECAQAwEAYHKoZIzj0CAQYFK4EEAAgESjBIAgEBBBUAlL2xg4yYMdX6+qyePJnJ
mrd5EumhLAMqAAToMLRgXyp7PkOUapMJA1tDunNPd8Hw9Klt0Y0FA0oRgCAaesA0
WxuV
-----END PRIVATE KEY-----
"""
HIDDEN = ("open-sesame", base64.b64encode(b"open-sesame").decode())


def configmap(name: str = "web") -> dict[str, Any]:
    return scenes.person().get("ConfigMap", name, "shop")


def secret(name: str = "web") -> dict[str, Any]:
    return scenes.person().get("Secret", name, "shop")


def value(obj: dict[str, Any], key: str) -> str:
    return base64.b64decode(obj["data"][key]).decode()


def typed(name: str, key: str, text: str, **more: str) -> dict[str, str]:
    row = {"rows-0-key": key, "rows-0-value": text}
    return {"go": "submit", "name": name, "namespace": "shop", **row, **more}


@pytest.mark.parametrize("page", ["", "web/", "web/yaml/", "web/edit/", "web/delete/", "web/value/"])
def test_no_page_of_a_secret_holds_its_values(shop: None, browser: Browser, page: str) -> None:
    body = browser.get(SECRETS + page).content.decode()

    assert not [text for text in HIDDEN if text in body]


def test_what_kubectl_remembers_of_a_secret_is_hidden_too(shop: None, browser: Browser) -> None:
    remembered = {"kubectl.kubernetes.io/last-applied-configuration": '{"stringData":{"password":"open-sesame"}}'}
    scenes.secret("applied", {"password": "open-sesame"}, metadata={"name": "applied", "annotations": remembered})

    assert "open-sesame" not in browser.get(f"{SECRETS}applied/yaml/").content.decode()


def test_one_value_is_shown_when_asked_for_and_kept_by_nobody(shop: None, browser: Browser) -> None:
    response = browser.get(f"{SECRETS}web/value/?key=password")

    assert "open-sesame" in response.content.decode()
    assert response.headers["Cache-Control"] == "no-store"


def test_who_looks_at_a_value_stands_in_the_audit_trail(shop: None, browser: Browser) -> None:
    browser.get(f"{SECRETS}web/")
    browser.get(f"{SECRETS}web/value/?key=nothing-here")
    assert not AuditEntry.objects.filter(action="cci:secret:get").exists()
    browser.get(f"{SECRETS}web/value/?key=password")

    (entry,) = AuditEntry.objects.filter(action="cci:secret:get")
    assert (entry.user, entry.namespace, entry.name) == ("alice", "shop", "web")
    assert "password" in entry.message and "open-sesame" not in entry.message


def test_a_configmap_shows_its_values_and_who_uses_them(shop: None, browser: Browser) -> None:
    volume = {"name": "settings", "configMap": {"name": "web"}}
    scenes.person().create("Deployment", manifests.deployment("reader", volumes=[volume]), "shop")

    text = text_of(browser, f"{CONFIGMAPS}web/")

    assert "colour 4 bytes blue" in text
    assert "reader Deployment files" in text
    assert "reader Deployment files" in text_of(browser, f"{CONFIGMAPS}web/delete/")


def test_a_secret_knows_who_pulls_images_with_it(shop: None, browser: Browser) -> None:
    cronjob = manifests.cronjob("nightly")
    cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "web"}]
    scenes.person().create("CronJob", cronjob, "shop")

    assert "nightly CronJob image pull" in text_of(browser, f"{SECRETS}web/")


def test_a_configmap_is_made_from_keys_and_values(shop: None, browser: Browser) -> None:
    response = browser.post("/create/configmap/", typed("made", "motd", "\nhello\r\nworld\r\n", immutable="on"))

    assert response.headers["Location"] == f"{CONFIGMAPS}made/"
    assert configmap("made")["data"] == {"motd": "\nhello\nworld\n"}
    assert configmap("made")["immutable"] is True


def test_a_value_is_changed_a_key_added_and_one_removed(shop: None, browser: Browser) -> None:
    fields = typed("web", "size", "large", version=configmap()["metadata"]["resourceVersion"])

    assert browser.post(f"{CONFIGMAPS}web/edit/", fields).status_code == 302

    assert configmap()["data"] == {"size": "large"}


def test_a_secrets_value_that_nobody_typed_stays(shop: None, browser: Browser) -> None:
    fields = typed("web", "password", "", version=secret()["metadata"]["resourceVersion"])
    fields |= {"rows-0-kept": "1", "rows-1-key": "user", "rows-1-value": "ali"}

    assert browser.post(f"{SECRETS}web/edit/", fields).status_code == 302

    assert {key: value(secret(), key) for key in secret()["data"]} == {"password": "open-sesame", "user": "ali"}


def test_who_wrote_meanwhile_is_not_overwritten(shop: None, browser: Browser) -> None:
    version = configmap()["metadata"]["resourceVersion"]
    scenes.person().patch("ConfigMap", "web", {"data": {"a": "b"}}, "application/merge-patch+json", "shop")

    response = browser.post(f"{CONFIGMAPS}web/edit/", typed("web", "colour", "my red", version=version))

    assert response.status_code == 422
    assert "Somebody changed it meanwhile" in response.content.decode()
    assert "my red" in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        (typed("", "a", "b"), "id_name_error"),
        (typed("Not A Name", "a", "b"), "id_name_error"),
        (typed("web", "a", "b"), "id_name_error"),
        (typed("x", "not a key", "b"), "id_rows-0-key_error"),
        (typed("x", "", "b"), "id_rows-0-key_error"),
        (typed("x", "a", "b", **{"rows-1-key": "a", "rows-1-value": "c"}), "id_rows-1-key_error"),
    ],
)
def test_a_refusal_stands_at_its_field_and_nothing_is_lost(
    shop: None, browser: Browser, fields: dict[str, str], where: str
) -> None:
    response = browser.post("/create/configmap/", fields)

    assert response.status_code == 422
    page = response.content.decode()
    assert f'id="{where}"' in page
    assert ">\nb</textarea>" in page


def test_a_file_becomes_a_key_even_when_it_is_no_text(shop: None, browser: Browser) -> None:
    fields = {"go": "submit", "name": "files", "namespace": "shop"}

    browser.post("/create/configmap/", {**fields, "file": SimpleUploadedFile("logo.bin", b"\xff\x00")})
    browser.post("/create/secret/", {**fields, "type": "Opaque", "file": SimpleUploadedFile("a.txt", b"hello")})

    assert base64.b64decode(configmap("files")["binaryData"]["logo.bin"]) == b"\xff\x00"
    assert value(secret("files"), "a.txt") == "hello"


def test_a_file_that_is_too_large_is_refused_at_its_field(shop: None, browser: Browser) -> None:
    file = SimpleUploadedFile("big", b"x" * (1024 * 1024 + 1))

    response = browser.post("/create/configmap/", typed("big", "a", "b") | {"file": file})  # type: ignore[dict-item]

    assert response.status_code == 422
    assert b'id="id_file_error"' in response.content


def test_rows_come_and_go_without_saving(shop: None, browser: Browser) -> None:
    added = browser.post("/create/configmap/", {**typed("x", "a", "b"), "go": "add-row"}).content.decode()
    removed = browser.post("/create/configmap/", {**typed("x", "a", "b"), "go": "remove-row-0"}).content.decode()

    assert 'name="rows-1-key"' in added
    assert ">\nb</textarea>" not in removed


def test_a_file_is_taken_once_and_the_field_for_the_next_is_empty(shop: None, browser: Browser) -> None:
    file = SimpleUploadedFile("colour", b"red")
    rows = typed("x", "", "") | {"rows-1-key": "colour", "rows-1-value": "blue", "rows-2-key": "size"}

    page = browser.post("/create/configmap/", {**rows, "go": "look", "file": file})  # type: ignore[dict-item]

    assert [(row.key, row.value) for row in page.context["draft"].rows] == [("", ""), ("colour", "red"), ("size", "")]
    assert b'id="id_file-1" name="file"' in page.content
    assert b'name="files" value="1"' in page.content


def test_a_button_of_a_row_does_what_it_says_whatever_file_is_chosen(shop: None, browser: Browser) -> None:
    rows = typed("x", "a", "1") | {"rows-1-key": "b", "rows-1-value": "2"}
    file = SimpleUploadedFile("a", b"from the file")

    page = browser.post("/create/configmap/", {**rows, "go": "remove-row-0", "file": file})  # type: ignore[dict-item]

    assert [(row.key, row.value) for row in page.context["draft"].rows] == [("b", "2")]
    assert b'id="id_file-0" name="file"' in page.content


def test_values_that_a_form_would_spoil_stay_as_they_are(shop: None, browser: Browser) -> None:
    made = scenes.configmap("odd", {"nul": "a\0b", "return": "a\rb", "plain": "c"})
    shown = browser.get(f"{CONFIGMAPS}odd/edit/").context["draft"].rows
    fields = typed("odd", "nul", "", **{"rows-0-kept": "1", "rows-1-key": "return", "rows-1-kept": "1"})

    browser.post(f"{CONFIGMAPS}odd/edit/", {**fields, "version": made["metadata"]["resourceVersion"]})

    assert [row.key for row in shown if row.kept] == ["nul", "return"]
    assert configmap("odd")["data"] == {"nul": "a\0b", "return": "a\rb"}


def test_a_configmap_of_hundreds_of_keys_can_be_changed(shop: None, browser: Browser) -> None:
    made = scenes.configmap("many", {f"key-{number}": "a" for number in range(600)})
    draft = browser.get(f"{CONFIGMAPS}many/edit/").context["draft"]
    fields = {f"rows-{index}-key": row.key for index, row in enumerate(draft.rows)}
    fields |= {f"rows-{index}-value": "b" for index in range(600)}

    browser.post(f"{CONFIGMAPS}many/edit/", {**fields, "go": "submit", "version": made["metadata"]["resourceVersion"]})

    assert configmap("many")["data"] == dict.fromkeys((f"key-{number}" for number in range(600)), "b")


def test_a_form_of_more_fields_than_any_has_is_refused_in_words(shop: None, browser: Browser) -> None:
    response = browser.post("/create/configmap/", dict.fromkeys((f"rows-{number}-key" for number in range(10_001)), ""))

    assert response.status_code == 413
    assert b"more than 10,000 fields" in response.content


def test_a_registry_login_is_what_images_are_pulled_with(shop: None, browser: Browser) -> None:
    login = {"registry": "registry.example.com", "username": "ali", "password": "p w"}
    fields = {"go": "submit", "name": "pull", "namespace": "shop", "type": "kubernetes.io/dockerconfigjson", **login}

    browser.post("/create/secret/", fields)

    auth = base64.b64encode(b"ali:p w").decode()
    said = '{"auths":{"registry.example.com":{"username":"ali","password":"p w","auth":"' + auth + '"}}}'
    assert value(secret("pull"), ".dockerconfigjson") == said


@pytest.mark.parametrize("type", ["kubernetes.io/dockerconfigjson", "kubernetes.io/tls", "kubernetes.io/basic-auth"])
def test_each_type_asks_for_its_own_fields(shop: None, browser: Browser, type: str) -> None:
    response = browser.post("/create/secret/", {"go": "submit", "name": "x", "namespace": "shop", "type": type})

    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content


def certified() -> tuple[str, str]:
    """A certificate and its key, in PEM form."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    return pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_certificate_and_its_key_are_checked_before_they_are_stored() -> None:
    (certificate, key), (_other, others_key) = certified(), certified()

    assert certificate_problems(certificate, key) == []
    assert [one.field for one in certificate_problems(certificate, others_key)] == ["private_key"]
    assert [one.field for one in certificate_problems("nonsense", key)] == ["certificate"]
    assert [one.field for one in certificate_problems(certificate, "nonsense")] == ["private_key"]


def test_a_key_of_a_curve_that_nobody_knows_is_refused_at_its_field() -> None:
    certificate, _key = certified()

    (problem,) = certificate_problems(certificate, UNKNOWN_CURVE)

    assert problem.field == "private_key"
    assert "curve is not known" in problem.message


def test_what_is_immutable_offers_no_change_and_refuses_one(shop: None, browser: Browser) -> None:
    made = scenes.configmap("fixed", {"a": "b"}, immutable=True)
    assert "Change" not in text_of(browser, f"{CONFIGMAPS}fixed/").partition("Overview")[0]

    fields = typed("fixed", "a", "c", version=made["metadata"]["resourceVersion"], immutable="on")
    response = browser.post(f"{CONFIGMAPS}fixed/edit/", fields)

    assert response.status_code == 422
    assert "immutable" in response.content.decode()


def test_a_deleted_configmap_is_gone(shop: None, browser: Browser) -> None:
    response = browser.post(f"{CONFIGMAPS}web/delete/", {"word": "web"}, follow=True)

    assert "ConfigMap web was deleted." in response.content.decode()
    assert browser.get(f"{CONFIGMAPS}web/").status_code == 404
