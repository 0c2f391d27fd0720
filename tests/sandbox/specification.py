"""Holds what the sandbox answers, and what it is asked, against Stripe's own OpenAPI document.

The document is of an earlier API version than the one that the sandbox speaks. `tests/sandbox/since.py` lists what came
since, each with its source; nothing else may differ. Objects are strict: a key that the document lacks is a violation.
"""

import re
from functools import cache
from typing import Any

import jsonschema_rs

from dev import specification
from offline_stripe.wire.form import decode_form
from tests.sandbox.since import EVENTS, LISTS, PARAMETERS, PROPERTIES

JSON = dict[str, Any]
URI = "urn:stripe"
OK = 200
SCHEMAS = "#/components/schemas/"
KEPT = ("type", "required", "enum", "pattern", "maxLength", "maximum", "minimum")
NULL: JSON = {"type": "null"}


@cache
def components() -> dict[str, JSON]:
    """The document's schemas as strict JSON Schemas, with what came since."""
    schemas = {name: strict(schema) for name, schema in specification.document()["components"]["schemas"].items()}
    for place, schema, _ in PROPERTIES:
        name, _, key = place.partition(".")
        schemas[name]["properties"][key] = schema
    for schema in schemas.values():
        for inner in schema.get("properties", {}).values():
            if inner.get("properties", {}).get("object", {}).get("enum") == ["list"]:
                inner["properties"]["total_count"] = LISTS[0]
    return schemas


def strict(node: JSON) -> JSON:
    """OpenAPI 3.0 to JSON Schema. Unknown keys are refused wherever keys are listed."""
    if "$ref" in node:
        return {"$ref": f"{URI}{node['$ref']}"}
    if "anyOf" in node:
        return _any_of([*(strict(branch) for branch in node["anyOf"]), *([NULL] if node.get("nullable") else [])])
    made: JSON = {key: node[key] for key in KEPT if key in node}
    if "items" in node:
        made["items"] = strict(node["items"])
    if "properties" in node:
        made["properties"] = {name: strict(inner) for name, inner in node["properties"].items()}
        made["additionalProperties"] = bool(node.get("additionalProperties"))
    elif isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = strict(node["additionalProperties"])
    if node.get("nullable"):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


def _any_of(branches: list[JSON]) -> JSON:
    """Choose the branch by the value's form where that decides, so that a violation is told where it is."""
    objects = [branch for branch in branches if "$ref" in branch or branch.get("type") == "object"]
    rest = [branch for branch in branches if branch not in objects]
    deleted = [branch for branch in objects if f"{SCHEMAS}deleted_" in branch.get("$ref", "")]
    living = [branch for branch in objects if branch not in deleted]
    if len(living) != 1 or len(deleted) > 1:
        return {"anyOf": branches}
    chosen = living[0]
    if deleted:
        chosen = {"if": {"required": ["deleted"]}, "then": deleted[0], "else": chosen}
    return {"if": {"type": "object"}, "then": chosen, "else": {"anyOf": rest} if rest else False}


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(URI, {"components": {"schemas": components()}})])


def _validator(schema: JSON) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, registry=_registry())


@cache
def _operations() -> dict[str, JSON]:
    """The document's operations by their ids."""
    paths = specification.document()["paths"].values()
    return {one["operationId"]: one for methods in paths for one in methods.values() if "operationId" in one}


@cache
def _operation_id(method: str, path: str) -> str | None:
    """The document's operation for a path with ids in it; literal segments win over ids."""
    given = path.strip("/").split("/")
    fitting = [
        (pattern.count("{"), methods[method.lower()]["operationId"])
        for pattern, methods in specification.document()["paths"].items()
        if method.lower() in methods
        and len(wanted := pattern.strip("/").split("/")) == len(given)
        and all(part[0] == "{" or part == ours for part, ours in zip(wanted, given, strict=True))
    ]
    return min(fitting)[1] if fitting else None


@cache
def _documents() -> jsonschema_rs.Draft202012Validator:
    """Every answer and object is a property of one object: compiled by itself, each would hold all that it refers to, 10 MB."""
    known = {name: {"$ref": f"{URI}{SCHEMAS}{name}"} for name in components()}
    for operation_id, operation in _operations().items():
        for status, response in operation["responses"].items():
            if "application/json" in response["content"]:
                known[f"{operation_id} {status}"] = strict(response["content"]["application/json"]["schema"])
    return _validator({"properties": known, "additionalProperties": False})


@cache
def _parameters(operation_id: str) -> tuple[JSON, jsonschema_rs.Draft202012Validator]:
    operation = _operations()[operation_id]
    if operation_id.startswith("Post"):
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    else:
        queried = [each for each in operation.get("parameters", []) if each["in"] == "query"]
        schema = {
            "type": "object",
            "properties": {each["name"]: each["schema"] for each in queried},
            "required": [each["name"] for each in queried if each["required"]],
        }
    made = strict(schema)
    for place, added, _ in PARAMETERS:
        asked_of, _, name = place.partition(".")
        if asked_of == operation_id:
            made.setdefault("properties", {})[name] = added
    return made, _validator(made)


def violations(exchange: JSON) -> list[str]:
    """What an exchange or an event has that Stripe's document does not allow, each as `where: what`."""
    if "event" in exchange:
        return _of_event(exchange["event"])
    method, path, status = exchange["method"], exchange["path"], exchange["status"]
    operation_id = _operation_id(method, path)
    if operation_id is None:
        return []
    title = f"{operation_id} {status}"
    answer = f"{operation_id} {OK if status == OK else 'default'}"
    found = _told(title, answer, exchange["answer"])
    if status == OK:
        schema, accepted = _parameters(operation_id)
        sent = typed(schema, decode_form(exchange["sent"]))
        found += [_said(f"{title} parameters", each) for each in accepted.iter_errors(sent)]
    return found


def _of_event(event: JSON) -> list[str]:
    subject = event["data"]["object"]
    name = subject["object"]
    if subject.get("deleted"):
        name = f"deleted_{name}"
    found = _told(event["type"], "event", event)
    if event["type"] not in _event_types():
        found.append(f"{event['type']}: no such type of event")
    if name not in components():
        return [*found, f"{event['type']}: no such object as {name}"]
    found += _told(f"{event['type']} object", name, subject)
    unknown = event["data"].get("previous_attributes", {}).keys() - components()[name]["properties"].keys()
    return [*found, *(f"{event['type']} previous_attributes.{key}: unknown" for key in sorted(unknown))]


@cache
def _event_types() -> frozenset[str]:
    """The types that an endpoint can ask for, and what came since."""
    body = _operations()["PostWebhookEndpoints"]
    schema = body["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    return frozenset(schema["properties"]["enabled_events"]["items"]["enum"]) | {name for name, _ in EVENTS}


def _told(title: str, known: str, instance: object) -> list[str]:
    return [_said(title, each, below=1) for each in _documents().iter_errors({known: instance})]


def _said(title: str, error: jsonschema_rs.ValidationError, below: int = 0) -> str:
    place = ".".join("*" if isinstance(part, int) else str(part) for part in error.instance_path[below:])
    return f"{title} {place}: {error.message[-300:]}"


# Forms: every leaf is sent as text


_INTEGER = re.compile(r"-?\d+\Z")


def typed(schema: JSON, sent: Any) -> Any:
    """The sent form with the types that the schema gives its leaves."""
    for branch in _branches(schema):
        kind = branch.get("type")
        if isinstance(sent, dict) and kind == "object":
            return _typed_object(branch, sent)
        if isinstance(sent, list) and kind == "array":
            return [typed(branch["items"], item) for item in sent]
        if isinstance(sent, str):
            if kind == "integer" and _INTEGER.match(sent):
                return int(sent)
            if kind == "boolean" and sent in {"true", "false"}:
                return sent == "true"
            if kind == "number":
                return float(sent)
    return sent


def _branches(schema: JSON) -> list[JSON]:
    if "if" in schema:
        return [*_branches(schema["then"]), *(_branches(schema["else"]) if schema["else"] else [])]
    return [inner for branch in schema["anyOf"] for inner in _branches(branch)] if "anyOf" in schema else [schema]


def _typed_object(schema: JSON, sent: JSON) -> JSON:
    listed, others = schema.get("properties", {}), schema.get("additionalProperties")
    made = {}
    for name, value in sent.items():
        inner = listed.get(name, others if isinstance(others, dict) else None)
        made[name] = typed(inner, value) if inner else value
    return made
