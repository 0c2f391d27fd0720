"""The API reference as Markdown: a page for each tag of the contract, and one of the events that are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt

Json = dict[str, Any]

PREFIX = "#/components/schemas/"
EVENTS = "events-sent"
MARKDOWN = MarkdownIt("commonmark").enable("table")
LINK = re.compile(r"\.md(?=[#\"])")
FIELDS = ("field", "type", "what it says")


def pages(contract: Json) -> Iterator[tuple[str, str]]:
    """The name and the text of each page, in the order of the tags."""
    return Reference(contract).pages()


def slug(text: str) -> str:
    return text.lower().replace(" ", "-")


def cell(text: str) -> str:
    """`text` in one cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", r"\|").strip()


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """The table in HTML: a site of Markdown tables takes a third longer to build."""
    lines = [head, ("---",) * len(head), *rows]
    text = "\n".join(f"| {' | '.join(cell(it) for it in line)} |" for line in lines)
    made = MARKDOWN.render(text).replace("<table>", '<table class="docutils">')
    return f'<div class="table-wrapper">\n{LINK.sub(".html", made)}</div>\n' if rows else ""


class Reference:
    """Renders the operations of a contract, and the objects that they answer."""

    def __init__(self, contract: Json) -> None:
        self._contract = contract
        self._schemas: Json = contract["components"]["schemas"]
        self._operations = [
            (method.upper(), path, operation)
            for path, item in contract["paths"].items()
            for method, operation in item.items()
        ]
        self._homes: dict[str, str] = {}
        for tag in contract["tags"]:
            for *_, operation in self._of(tag["name"]):
                for name in self._answered(operation):
                    self._homes.setdefault(name, slug(tag["name"]))
        for item in contract["webhooks"].values():
            if name := self._content(item["post"]["requestBody"]).get("$ref", "").removeprefix(PREFIX):
                self._homes.setdefault(name, EVENTS)

    def pages(self) -> Iterator[tuple[str, str]]:
        for tag in self._contract["tags"]:
            name = slug(tag["name"])
            parts = [f"# API: {tag['name']}\n", f"{tag['description']}\n"]
            parts += [self._operation(name, *one) for one in self._of(tag["name"])]
            yield name, "\n".join([*parts, *self._objects(name)])
        yield EVENTS, self._events()

    def _of(self, tag: str) -> list[tuple[str, str, Json]]:
        return [one for one in self._operations if tag in one[2]["tags"]]

    def _answered(self, operation: Json) -> list[str]:
        """The names of the objects that it answers."""
        found = [self._content(answer) for status, answer in operation["responses"].items() if status < "3"]
        return [schema["$ref"].removeprefix(PREFIX) for schema in found if "$ref" in schema]

    @staticmethod
    def _content(of: Json) -> Json:
        media: list[Json] = [*of.get("content", {}).values()]
        schema: Json = media[0].get("schema", {}) if media else {}
        chosen = [it for it in schema.get("anyOf", []) if it.get("type") != "null"]
        return chosen[0] if len(chosen) == 1 else schema

    def _operation(self, page: str, method: str, path: str, operation: Json) -> str:
        parts = [f"## {operation['summary']}\n", f"`{method} {path}`\n", f"{operation['description']}\n"]
        rows = [
            (f"`{it['name']}`", f"{it['in']}{', required' if it.get('required') else ''}",
             self._type(page, it["schema"]), it.get("description", ""))
            for it in operation.get("parameters", [])
        ]  # fmt: skip
        if rows:
            parts.append(table(("parameter", "where", "type", "what it says"), rows))
        if body := operation.get("requestBody"):
            content = self._content(body)
            required = self._schemas.get(content.get("$ref", "").removeprefix(PREFIX), {}).get("required", [])
            fields = [
                (name, f"{kind}, required" if name.strip("`") in required else kind, told)
                for name, kind, told in self._rows(page, content)
            ]
            parts.append("The body:\n\n" + table(FIELDS, fields) if fields else "")
            example = next(iter(body["content"].values())).get("example")
            parts.append(f"```json\n{json.dumps(example, indent=2)}\n```\n" if example else "")
        good = {status: answer for status, answer in operation["responses"].items() if status < "3"}
        parts += [self._answer(page, status, answer) for status, answer in good.items()]
        errors = [
            f"{status} {answer['description']}" for status, answer in operation["responses"].items() if status >= "4"
        ]
        parts.append(f"Errors: {'; '.join(errors)}.\n" if errors else "")
        return "\n".join(part for part in parts if part)

    def _answer(self, page: str, status: str, answer: Json) -> str:
        schema = self._content(answer)
        return f"Answers {status}{', ' + self._type(page, schema) if schema else ''}.\n"

    def _objects(self, page: str) -> Iterator[str]:
        """The objects that have their home on the page."""
        for name in [name for name, home in self._homes.items() if home == page]:
            rows = self._rows(page, {"$ref": PREFIX + name})
            told = self._schemas[name].get("description", "")
            yield f"## Object {name}\n\n{told}\n\n{table(FIELDS, rows)}"

    def _rows(self, page: str, schema: Json, before: str = "") -> list[tuple[str, ...]]:
        """A row for each field of `schema`, and for what is in them; not for objects that have a heading of their own."""
        name = schema.get("$ref", "").removeprefix(PREFIX)
        if before and name in self._homes:
            return []
        schema = self._schemas[name] if name else schema
        rows: list[tuple[str, ...]] = []
        for choice in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
            rows += [row for row in self._rows(page, choice, before) if row not in rows]
        if schema.get("type") == "array":
            return rows + self._rows(page, schema["items"], before.removesuffix(".") + "[].")
        for field, inner in schema.get("properties", {}).items():
            of = self._schemas.get(inner.get("$ref", "").removeprefix(PREFIX), {})
            told = inner.get("description") or of.get("description", "")
            rows.append((f"`{before}{field}`", self._type(page, inner), told))
            rows += self._rows(page, inner, f"{before}{field}.")
        return rows

    def _type(self, page: str, schema: Json) -> str:
        name = schema.get("$ref", "").removeprefix(PREFIX)
        if home := self._homes.get(name):
            return f"[{name}]({home + '.md' if home != page else ''}#object-{name.lower()})"
        schema = self._schemas[name] if name else schema
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " or ".join(dict.fromkeys(self._type(page, it) for it in choices))
        if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
            return ", ".join(f"`{it}`" for it in values)
        if schema.get("type") == "array":
            return f"list of {self._type(page, schema['items'])}"
        of = schema.get("additionalProperties")
        if isinstance(of, dict) and "properties" not in schema:
            return f"object of {self._type(page, of)}"
        return str(schema.get("format") or schema.get("type") or "anything")

    def _events(self) -> str:
        rows: list[tuple[str, ...]] = []
        for name, item in self._contract["webhooks"].items():
            schema = self._content(item["post"]["requestBody"])
            rows.append((f"`{name}`", self._type(EVENTS, schema), item["post"]["description"]))
        return "\n".join([
            "# API: events that are sent\n",
            "The service sends these events to your webhook endpoints.\n",
            table(("event", "body", "what happened"), rows),
            *self._objects(EVENTS),
        ])  # fmt: skip
