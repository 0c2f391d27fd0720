"""Writes what the clients have from the contract: their types, and a method for each operation.

`make clients` runs it. The types come from datamodel-code-generator and openapi-typescript. The methods come from the table
of operations that this module makes of `openapi/openapi.json`.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parent / "openapi" / "openapi.json"
PYTHON = HERE / "python" / "src" / "invoicing_client"
TYPESCRIPT = HERE / "typescript" / "src"

BY_HAND = {"stream_events", "stream_invoice_events", "receive_webhook"}
"""Operations that are no call with one answer. The clients have `events.stream()` for the first two."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation of the contract, as a method of a client."""

    tag: str
    name: str
    method: str
    path: str
    summary: str
    body: str | None
    """The type of the body: a schema, or several in a union."""
    query: Json
    """The JSON Schema of each query parameter."""
    answer: str | None
    """The type of the answer; None for text."""
    item: str | None
    """The type of what it lists, if it is a list."""

    @property
    def ids(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"\{(\w+)\}", self.path)


def operations(contract: Json) -> list[Operation]:
    """All operations of `contract` that become methods, ordered by tag and name."""
    found = [
        _operation(method, path, one, contract["components"]["schemas"])
        for path, methods in contract["paths"].items()
        for method, one in methods.items()
        if one["operationId"] not in BY_HAND
    ]
    return sorted(found, key=lambda one: (one.tag, one.name))


def _operation(method: str, path: str, one: Json, schemas: Json) -> Operation:
    tag = one["tags"][0].lower().replace(" ", "_")
    good = next(answer for status, answer in one["responses"].items() if status.startswith("2"))
    schema = good["content"].get("application/json", {}).get("schema")
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    query = {it["name"]: it["schema"] for it in one.get("parameters", ()) if it["in"] == "query"}
    answer = " | ".join(_names(schema)) if schema else None
    return Operation(
        tag=tag,
        name=_name(one["operationId"], tag),
        method=method.upper(),
        path=path,
        summary=one["description"].splitlines()[0],
        body=" | ".join(_names(body)) if body else None,
        query=query,
        answer=answer,
        item=_names(schemas[answer]["properties"]["data"]["items"])[0] if answer and "cursor" in query else None,
    )


def _name(operation: str, tag: str) -> str:
    """`create` for `create_invoice` of invoices: without the noun that the tag says."""
    nouns = [re.escape(re.sub("(ies|s)$", "", noun)) for noun in (tag, tag.rpartition("_")[2])]
    return re.sub(rf"_(invoice_)?({'|'.join(nouns)})(y|ies|s)?(?=_|$)", "", operation)


def _names(schema: Json) -> list[str]:
    if "$ref" in schema:
        return [schema["$ref"].rpartition("/")[2]]
    return [name for choice in schema.get("anyOf") or schema.get("oneOf") or () for name in _names(choice)]


def by_tag(every: list[Operation]) -> Iterator[tuple[str, list[Operation]]]:
    """The operations of each tag."""
    for tag in sorted({one.tag for one in every}):
        yield tag, [one for one in every if one.tag == tag]


# Python


def python_models(contract: Json) -> str:
    """The schemas as TypedDicts. They are open: a newer service may answer more.

    Texts are without their limits: one in a list would become a type of its own, called like the field, and take that name
    from a schema (`Product`).
    """
    told = json.dumps(json.loads(json.dumps(contract), object_hook=_open_and_unlimited))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openapi.json", Path(folder) / "models.py"
        source.write_text(told)
        _run(
            sys.executable, "-W", "ignore", "-m", "datamodel_code_generator", "--input", str(source), "--output", str(target),
            "--input-file-type", "openapi", "--openapi-scopes", "schemas", "--output-model-type", "typing.TypedDict",
            "--target-python-version", "3.11", "--enum-field-as-literal", "all", "--use-standard-collections",
            "--use-union-operator", "--use-schema-description", "--use-field-description", "--disable-timestamp",
            "--formatters", "builtin",
        )  # fmt: skip
        text = target.read_text()
    head = '"""What the service takes and answers, as TypedDicts. Generated from the contract: do not edit."""\n'
    return head + re.sub(r"\A(#.*\n)+", "", text).replace(
        "from typing_extensions import TypedDict", "from typing import TypedDict"
    )


def _open_and_unlimited(schema: Json) -> Json:
    left_out = LIMITS if schema.get("type") == "string" else ()
    return {
        word: what
        for word, what in schema.items()
        if word not in left_out and (word, what) != ("additionalProperties", False)
    }


LIMITS = ("pattern", "minLength", "maxLength")
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def python_resources(every: list[Operation]) -> str:
    """A class for each tag, for each of the two clients."""
    lines = [
        '"""A method for each operation. Generated from the contract: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Literal, TypedDict, Unpack",
        "",
        "from . import models",
        "from ._async import AsyncCaller, AsyncPages",
        "from ._sync import Caller, Pages",
        "",
    ]
    for one in every:
        if one.query:
            lines += ["", f"class {_query(one)}(TypedDict, total=False):"]
            lines += [f"    {name}{'_' * iskeyword(name)}: {_type(schema)}" for name, schema in one.query.items()]
            lines.append("")
    for kind in ("", "Async"):
        for tag, ones in by_tag(every):
            lines += ["", f"class {kind}{_class(tag)}:", f"    def __init__(self, caller: {kind}Caller) -> None:"]
            lines += ["        self._caller = caller", ""]
            for one in ones:
                lines += _method(one, kind)
        lines += ["", f"class {kind}Resources:", f"    def __init__(self, caller: {kind}Caller) -> None:"]
        lines += [f"        self.{tag} = {kind}{_class(tag)}(caller)" for tag, _ in by_tag(every)]
        lines.append("")
    return "\n".join(lines)


def _class(tag: str) -> str:
    return "".join(word.title() for word in tag.split("_")) + "Resource"


def _query(one: Operation) -> str:
    return f"{_class(one.tag).removesuffix('Resource')}{one.name.title().replace('_', '')}Query"


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return f"models.{schema['$ref'].rpartition('/')[2]}"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"] if one != {"type": "null"}))
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if schema.get("type") == "array":
        return f"{(one := _type(schema['items']))} | list[{one}]"
    if schema.get("type") == "object":
        return "dict[str, str]"
    return PLAIN[schema["type"]]


def _method(one: Operation, kind: str) -> list[str]:
    ids = "".join(f", {name}: str" for name in one.ids)
    keyed = ", idempotency_key: str | None = None" if one.method != "GET" else ""
    given, sent = "", ""
    if one.body and "|" in one.body:
        given = ", body: " + " | ".join(f"models.{name}" for name in one.body.split(" | "))
        sent = ", body=body"
    elif one.body:
        given, sent = f", **params: Unpack[models.{one.body}]", ", body=params"
    elif one.query:
        given, sent = f", **query: Unpack[{_query(one)}]", ", query=query"
    answer = " | ".join(f"models.{name}" for name in one.answer.split(" | ")) if one.answer else "str"
    path = "f" * bool(one.ids) + '"' + re.sub(r"\{(\w+)\}", r"{self._caller.quoted(\1)}", one.path) + '"'
    star = ", *" if keyed and not given.startswith(", body") else ""
    arguments = f"self{ids}{given if given.startswith(', body') else ''}{star or (', *' if keyed else '')}{keyed}"
    arguments += "" if given.startswith(", body") else given
    passed = sent + (", idempotency_key=idempotency_key" if keyed else "")
    text = [f'        """{one.summary}"""']
    if one.item:
        return [
            f"    def {one.name}({arguments}) -> {kind}Pages[models.{one.item}]:", *text,
            f"        return {kind}Pages(self._caller, {path}, query)", "",
        ]  # fmt: skip
    call = f"self._caller.call({one.method!r}, {path}{passed})".replace("'", '"')
    verb, wait = ("async def", "await ") if kind else ("def", "")
    came = f"({wait}{call})" if wait else call
    read = (
        [f"        answer: {answer} = {came}.json()", "        return answer"]
        if one.answer
        else [f"        return {came}.text"]
    )
    return [f"    {verb} {one.name}({arguments}) -> {answer}:", *text, *read, ""]


# TypeScript


def typescript_operations(every: list[Operation]) -> str:
    """The table of operations. The types are worked out from it and from the contract's."""
    lines = [
        "// A method for each operation. Generated from the contract: do not edit.",
        "",
        "export const OPERATIONS = {",
    ]
    for tag, ones in by_tag(every):
        lines.append(f"  {_camel(tag)}: {{")
        lines += [f'    {_camel(one.name)}: ["{one.method.lower()}", "{one.path}", {_kind(one)}],' for one in ones]
        lines.append("  },")
    return "\n".join([*lines, "} as const;", ""])


def _kind(one: Operation) -> str:
    return '"list"' if one.item else '"body"' if one.body is not None else '"query"' if one.query else '"nothing"'


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def typescript_contract() -> str:
    """The contract's types, by openapi-typescript."""
    return _run("npx", "--no-install", "openapi-typescript", str(CONTRACT), folder=HERE / "typescript")


def _run(*command: str, folder: Path | None = None) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Write all of it."""
    contract = json.loads(CONTRACT.read_text())
    every = operations(contract)
    for path, text in generated(contract, every).items():
        path.write_text(text)


def generated(contract: Json, every: list[Operation]) -> dict[Path, str]:
    """Each generated file."""
    return {
        PYTHON / "models.py": python_models(contract),
        PYTHON / "resources.py": python_resources(every),
        TYPESCRIPT / "operations.ts": typescript_operations(every),
        TYPESCRIPT / "contract.ts": typescript_contract(),
    }


if __name__ == "__main__":
    main()
