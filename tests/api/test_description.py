"""The description (OpenAPI) is whole: examples that fit, every way to fail, nothing from elsewhere."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.api.world import ApiWorld
from tests.architecture.repository import ROOT
from watchword.portal.api.problems import PROBLEMS
from watchword.services.api_keys import Scope

Operation = dict[str, Any]


@pytest.fixture
def document(api: ApiWorld) -> dict[str, Any]:
    found: dict[str, Any] = api.client_with("").get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def examples(content: dict[str, Any]) -> list[Any]:
    media = content["application/json"]
    return [media["example"]] if "example" in media else [one["value"] for one in media["examples"].values()]


def test_each_example_fits_its_schema(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        contents = [response["content"] for response in operation["responses"].values() if "content" in response]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        assert contents, name
        for content in contents:
            schema = content["application/json"]["schema"] | {"components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema)
            shown = examples(content)
            assert shown, name
            assert [error.message for one in shown for error in validator.iter_errors(one)] == [], name


def test_each_operation_says_what_it_asks_for_and_how_it_fails(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"] and operation["tags"], name
        assert operation["security"] == [{"bearer": []}, {"digest": []}]
        assert {"401", "429", "500", "503"} <= set(operation["responses"]), name
        assert name == "GET /key" or re.search(r"Scope: `([a-z:]+)`$", operation["description"]), name
        for parameter in operation.get("parameters", []):
            assert parameter["description"] and ("example" in parameter or "examples" in parameter["schema"]), name
        if name.startswith("POST") and "/validate" not in name and "preview" not in name:
            assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], name


def test_nothing_is_loaded_from_elsewhere(api: ApiWorld, document: dict[str, Any]) -> None:
    served = json.dumps(document) + api.client_with("").get("/problems").text
    hosts = set(re.findall(r"https?://([^/\"'#\s]+)", served))
    assert hosts == {"mfa.example.org"}
    for path in ("/docs", "/redoc"):
        assert api.client_with("").get(path).status_code == 404


def test_the_reference_has_each_operation_each_scope_and_each_problem(document: dict[str, Any]) -> None:
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", page, re.MULTILINE))
    assert rows == {name for name, _ in operations(document)}
    assert set(re.findall(r"^\| `([a-z:]+)` \| (?!\d)", page, re.MULTILINE)) >= {scope.value for scope in Scope}
    assert set(re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", page, re.MULTILINE)) == {one.name for one in PROBLEMS}
