"""The contract as a file and as pages: exported without drift, illustrated throughout, readable without internet."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from typer.testing import CliRunner

from app.cli.main import cli
from app.http.problems import STATUS, Problem
from app.introduction import TAGS
from tests.fixtures.caller import route_of

EXPORTED = Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"
Json = dict[str, Any]


DOCUMENT = json.loads(EXPORTED.read_text())
CHANGES_NOTHING = {"preview_invoice"}
"""What is asked by POST because of its body: no state and no key can stand against it."""
OPERATIONS = [
    pytest.param(method.upper(), path, operation, id=operation.get("operationId", f"{method} {path}"))
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def sample(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


def schema_of(route: APIRoute) -> TypeAdapter[Any]:
    return TypeAdapter(route.response_model)


def test_the_command_exports_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert CliRunner().invoke(cli, ["openapi", "--output", str(file)]).exit_code == 0
    assert json.loads(file.read_text()) == DOCUMENT
    assert json.loads(CliRunner().invoke(cli, ["openapi"]).stdout) == json.loads(file.read_text())


async def test_the_contract_is_served_to_whoever_asks(app_client: httpx.AsyncClient) -> None:
    served = await app_client.get("/openapi.json", headers={"Authorization": ""})
    assert served.status_code == 200
    assert served.json() == DOCUMENT, "run `make openapi` and look at the diff"


def test_every_tag_is_used() -> None:
    used = {tag for operations in DOCUMENT["paths"].values() for one in operations.values() for tag in one["tags"]}
    assert used == TAGS.keys()


def test_generators_of_clients_find_nothing_they_cannot_read() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert not ("properties" in schema and schema.keys() & {"oneOf", "anyOf", "allOf"}), name
        assert re.fullmatch("[A-Z][A-Za-z]+", name)
        assert not name.endswith("Read"), name
    assert not [
        field
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if name.endswith(("Create", "Update", "Params"))
        for field, said in schema.get("properties", {}).items()
        if "default" in said or said.get("const") is False
    ]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.values[2]["operationId"] for operation in OPERATIONS]  # type: ignore[index]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_an_operation_says_what_it_does_and_how_it_may_end(method: str, path: str, operation: Json) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in TAGS
    if path.startswith("/v1"):
        assert operation["security"]
        assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys()
        assert "request_timeout" in operation["responses"]["503"]["description"]
    if path.startswith("/v1") and method != "GET" and operation["operationId"] not in CHANGES_NOTHING:
        assert "409" in operation["responses"]
        if not any(local in path for local in ("api-keys", "webhook-endpoints", "deliveries")):
            assert {"502", "504"} <= operation["responses"].keys(), "it asks Stripe"
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys()
        if not path.endswith("/preview"):  # which changes nothing
            assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    if "{" in path:
        assert "404" in operation["responses"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_the_example_of_a_request_is_one_that_is_taken(method: str, path: str, operation: Json) -> None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        body = media["example"]
        route = route_of(method, sample(path))
        if route is None:
            continue
        assert route.body_field is not None
        annotation: Any = route.body_field.field_info.annotation
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        assert adapter.validate_json(json.dumps(body)) is not None


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_the_example_of_an_answer_is_one_that_could_be_given(method: str, path: str, operation: Json) -> None:
    shown = [response for status, response in operation["responses"].items() if status.startswith("2")]
    assert shown
    for response in shown:
        for media in response["content"].values():
            route = route_of(method, sample(path))
            if route and route.response_model:
                schema_of(route).validate_json(json.dumps(media["example"]))
            assert media["example"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_error_of_an_operation_is_a_problem_with_an_example(method: str, path: str, operation: Json) -> None:
    for status, response in operation["responses"].items():
        if status < "400" or path == "/readyz":
            continue
        media = response["content"]["application/problem+json"]
        assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code, reference in media["examples"].items():
            assert reference == {"$ref": f"#/components/examples/{code}"}
            assert str(DOCUMENT["components"]["examples"][code]["value"]["status"]) == status


@pytest.mark.parametrize("code", STATUS)
def test_the_example_of_a_problem_is_one(code: str) -> None:
    shown = DOCUMENT["components"]["examples"][code]["value"]
    assert set(shown) <= set(Problem.model_fields)
    assert Problem.model_validate(shown, strict=True).code == code


def test_no_example_is_made_up_of_nothing() -> None:
    """A text that no field and no name knows is shown as `text`: nobody learns from it."""
    shown = [
        (name, media["example"])
        for operations in DOCUMENT["paths"].values()
        for name, operation in ((one["operationId"], one) for one in operations.values())
        for message in (operation.get("requestBody", {}), *operation["responses"].values())
        for media in message.get("content", {}).values()
        if "example" in media
    ]
    assert len(shown) > 100
    assert not [name for name, example in shown if re.search(r'(?<!: )"text"(?!:)|: "text"', json.dumps(example))]


def test_every_list_that_is_taken_is_bounded() -> None:
    """What is wrong with each of 100,000 entries would be told, which takes a second."""
    schemas, taken = DOCUMENT["components"]["schemas"], set[str]()
    text = json.dumps([one.get("requestBody") for methods in DOCUMENT["paths"].values() for one in methods.values()])
    while found := set(re.findall(r"#/components/schemas/(\w+)", text)) - taken:
        taken |= found
        text = json.dumps([schemas[name] for name in found])
    lists = [one for name in taken for one in arrays(schemas[name])]
    assert len(lists) > 20
    assert [one for one in lists if "maxItems" not in one] == []


def arrays(schema: Any) -> Iterator[Json]:
    """The schemas of lists in a schema. What goes together (`x-demands`) says no more of them."""
    if isinstance(schema, list):
        for one in schema:
            yield from arrays(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "array":
            yield schema
        yield from arrays([one for name, one in schema.items() if name != "x-demands"])


def test_every_reference_in_the_contract_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)):
        assert reference.startswith("#/components/")
        kind, _, name = reference.removeprefix("#/components/").partition("/")
        assert name in DOCUMENT["components"][kind]


async def test_the_pages_load_nothing_from_elsewhere_and_run_no_inline_script(app_client: httpx.AsyncClient) -> None:
    page = await app_client.get("/docs", headers={"Authorization": ""})
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {address for address in addresses if not address.startswith(("/", "data:"))} == set()
    for address in [address for address in addresses if address.startswith("/")]:
        loaded = await app_client.get(address)
        assert loaded.status_code == 200
        assert loaded.headers["content-type"].split(";")[0] in {"text/css", "text/javascript"}
    assert re.findall(r"<script(?![^>]*src=)[^>]*>", page.text) == []
    assert not re.search(r"\son\w+=", page.text)
