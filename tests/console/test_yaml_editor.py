"""What the YAML editor is told while somebody types: fields, names, and what the server would say, line by line."""

from __future__ import annotations

import gzip
import re
from html import unescape
from typing import Any

import pytest
import yaml
from django.test import Client as Browser

from console.forms import clones
from iam import people
from iam.identities import identity_of
from tests import manifests
from tests.console import scenes
from tests.console.conftest import signed_in

pytestmark = pytest.mark.usefixtures("shop")


def dump(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)


def configmap(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": values}


def check(browser: Browser, text: str, **fields: str) -> list[dict[str, Any]]:
    answer = browser.post("/yaml/check/", {"text": text, "namespace": "shop", **fields})
    assert answer.status_code == 200
    return list(answer.json()["documents"])


def said(document: dict[str, Any], severity: str = "error") -> list[tuple[int, str, str]]:
    """Line, sort and sentence of each marker."""
    return [(one["line"], one["sort"], one["message"]) for one in document["markers"] if one["severity"] == severity]


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def schema(browser: Browser, kind: str) -> Any:
    return browser.get(f"/yaml/schemas/{kind}/").json()


def test_every_kind_that_can_be_made_has_a_document_that_may_be_kept(browser: Browser) -> None:
    kinds = {one["kind"]: one for one in browser.get("/yaml/kinds/").json()["kinds"]}
    assert {"Deployment", "Pod", "ConfigMap", "ELB"} <= kinds.keys() and "Node" not in kinds
    address = kinds["Deployment"]["schemas"]["apps/v1"]
    answer = browser.get(address)
    assert "immutable" in answer["Cache-Control"]
    assert answer.json()["root"].endswith("apps.v1.Deployment")


def test_a_document_has_fields_prose_and_values_and_nothing_of_status(browser: Browser) -> None:
    found = schema(browser, "Deployment")
    root = found["schemas"][found["root"]]
    assert "status" not in root["p"]
    container = found["schemas"]["io.k8s.api.core.v1.Container"]
    assert container["p"]["imagePullPolicy"]["e"] == ["IfNotPresent", "Always", "Never"]
    assert "image" in container["p"]["image"]["d"].lower() and container["r"] == ["name"]
    assert not [name for name in found["schemas"] if name.endswith("PodStatus")]


def test_a_document_goes_over_the_wire_small(browser: Browser) -> None:
    answer = browser.get("/yaml/schemas/Deployment/", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip" and len(answer.content) < 40_000
    assert gzip.decompress(answer.content).startswith(b'{"root"')


def test_a_kind_that_is_not_served_is_not_found(browser: Browser) -> None:
    assert browser.get("/yaml/schemas/DaemonSet/").status_code == 404
    assert browser.get("/yaml/schemas/Deployment/?version=apps/v2").status_code == 404


def test_names_are_those_of_the_namespace_and_of_the_account_alone(browser: Browser) -> None:
    assert browser.get("/yaml/names/?kind=ConfigMap&namespace=shop").json()["names"] == ["web"]
    stranger = signed_in("other", "charlie")
    assert stranger.get("/yaml/names/?kind=ConfigMap&namespace=shop").json()["names"] == []
    assert browser.get("/yaml/names/?kind=Pod&namespace=shop").status_code == 400


def test_each_document_says_whether_it_is_new_changed_or_the_same(browser: Browser) -> None:
    texts = [configmap("web", {"colour": "blue"}), configmap("web", {"colour": "red"}), configmap("fresh", {})]
    found = [check(browser, dump(one))[0] for one in texts]
    assert [one["state"] for one in found] == ["same", "changed", "new"]
    assert found[1]["url"] == "/namespaces/shop/configmaps/web/"
    assert scenes.person().get("ConfigMap", "web", "shop")["data"] == {"colour": "blue"}


def test_a_mistake_is_marked_at_its_line_in_its_document(browser: Browser) -> None:
    wrong = manifests.deployment("wrong")
    wrong["spec"]["replicas"] = -1
    text = dump(manifests.deployment("right"), wrong)
    right, document = check(browser, text)
    assert (right["state"], document["state"]) == ("new", "problem")
    ((line, sort, _sentence),) = said(document)
    assert (line, sort) == (line_of(text, "replicas: -1"), "schema")


def test_unknown_and_doubled_fields_are_marked_where_they_stand(browser: Browser) -> None:
    wrong = manifests.deployment("wrong")
    wrong["spec"]["template"]["spec"]["contaners"] = []
    text = dump(wrong)
    ((line, _sort, sentence),) = said(check(browser, text)[0])
    assert line == line_of(text, "contaners") and "spec.template.spec.contaners is no field" in sentence
    doubled = dump(configmap("twin", {})) + "kind: ConfigMap\n"
    ((line, _sort, sentence),) = said(check(browser, doubled)[0])
    assert line == len(doubled.splitlines()) and "twice" in sentence


def test_an_unknown_field_does_not_hide_the_other_mistakes(browser: Browser) -> None:
    pod = {**manifests.pod("one"), "sepc": {}}
    pod["spec"] = {**pod["spec"], "hostNetwork": True}
    (one,) = check(browser, dump(pod))
    sentences = [sentence for _line, _sort, sentence in said(one)]
    assert "sepc is no field of this kind" in sentences[0]
    assert "the host's network is not offered" in " ".join(sentences[1:])


def test_a_syntax_error_does_not_hide_the_other_documents(browser: Browser) -> None:
    text = dump(manifests.pod("one")) + "---\nkind: Pod\n  metadata: [\n---\n" + dump(manifests.pod("two"))
    one, broken, two = check(browser, text)
    assert [one["state"], broken["state"], two["state"]] == ["new", "problem", "new"]
    ((line, sort, _sentence),) = said(broken)
    assert (line, sort) == (line_of(text, "  metadata: ["), "syntax")
    assert two["line"] == line_of(text, "name: two") - 3


def test_what_it_costs_is_said_at_the_number_of_pods(browser: Browser) -> None:
    live = scenes.person().get("Deployment", "web", "shop")
    asked = {key: live[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "web"}}
    asked["spec"] = {**asked["spec"], "replicas": 4}
    text = dump(asked)
    (document,) = check(browser, text)
    ((line, _sort, sentence),) = [one for one in said(document, "info") if one[1] == "price"]
    assert line == line_of(text, "replicas: 4") and "->" in sentence


def test_what_one_may_not_do_is_said_as_a_right(browser: Browser) -> None:
    admin = identity_of(scenes.user("acme", "alice"))
    people.create_user(admin, "reader", password="correct-horse-battery", policies=["CCI ReadOnlyAccess"])
    (document,) = check(signed_in("acme", "reader"), dump(manifests.pod("one")))
    assert document["state"] == "problem"
    assert [sort for _line, sort, _sentence in said(document)] == ["rights"]


def test_an_edited_object_stays_what_it_is(browser: Browser) -> None:
    text = dump(configmap("other", {"colour": "red"}))
    (document,) = check(browser, text, edited="ConfigMap/web")
    ((line, _sort, sentence),) = said(document)
    assert line == line_of(text, "name: other") and "leave it as web" in sentence


def test_an_edited_object_that_is_not_ones_own_is_not_found(strangers_browser: Browser) -> None:
    answer = strangers_browser.post("/yaml/check/", {"text": "a: b", "namespace": "shop", "edited": "ConfigMap/web"})
    assert answer.status_code == 404


def test_nothing_typed_is_nothing_wrong(browser: Browser) -> None:
    assert check(browser, "  \n") == []


@pytest.mark.parametrize("origin", ["Deployment/web", "Job/web", "CronJob/web", "Pod/web-0001-aaaaa"])
def test_a_clone_is_a_manifest_that_is_accepted_as_it_is(browser: Browser, origin: str) -> None:
    page = browser.get(f"/create/yaml/?namespace=shop&clone={origin}").content.decode()
    found = re.search(r'<textarea[^\n]*? name="text"[^\n]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    (document,) = check(browser, unescape(found[1]))
    assert (document["state"], said(document)) == ("new", [])
    assert document["name"] == f"{origin.partition('/')[2]}-copy"


def test_a_clone_of_a_deployment_selects_pods_of_its_own() -> None:
    live = scenes.person().get("Deployment", "web", "shop")
    spec = clones.of(live)["spec"]
    assert spec["selector"]["matchLabels"] == {"app": "web-copy"} == spec["template"]["metadata"]["labels"]
    assert live["spec"]["selector"]["matchLabels"] == {"app": "web"}
