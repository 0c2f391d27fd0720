"""Sequences of calls, as data: what `trigger` does, and what the oracle compares.

A value `${customer.id}` is read from the answer to an earlier step. A path that begins with `/_sandbox` is a control
call, and takes JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offline_stripe.commands.client import JSON, Answer, Client, UnusableError

_REFERENCE = re.compile(r"\$\{([\w.\-]+)\}")
OK = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One call. `name` is what later steps call its answer; `refused` says that an error is expected."""

    name: str
    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False


def post(name: str, path: str, /, *, refused: bool = False, **params: Any) -> Step:
    return Step(name, "POST", path if path.startswith("/") else f"/v1/{path}", params, refused)


def get(name: str, path: str, /, *, refused: bool = False, **params: Any) -> Step:
    return Step(name, "GET", f"/v1/{path}", params, refused)


def delete(name: str, path: str) -> Step:
    return Step(name, "DELETE", f"/v1/{path}")


def filled(value: Any, known: Mapping[str, JSON]) -> Any:
    """The value with what it refers to."""
    if isinstance(value, Mapping):
        return {name: filled(item, known) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, known) for item in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: str(_looked_up(found[1], known)), value)


def _looked_up(reference: str, known: Mapping[str, JSON]) -> Any:
    value: Any = known
    for part in reference.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError) as missing:
            raise UnusableError(f"there is no {reference}: the step before it did not go as expected") from missing
    return value


def perform(client: Client, step: Step, known: Mapping[str, JSON]) -> Answer:
    """Make the call of one step."""
    path, params = filled(step.path, known), filled(step.params, known)
    if path.startswith("/_sandbox/"):
        return Answer(OK, client.control(step.method, path.removeprefix("/_sandbox/"), **params))
    return client.call(step.method, path, params)


def changed(steps: Sequence[Step], overrides: Mapping[str, Mapping[str, Any]]) -> list[Step]:
    """The steps with other or more parameters, by the name of the step."""
    unknown = overrides.keys() - {step.name for step in steps}
    if unknown:
        names = ", ".join(step.name for step in steps)
        raise UnusableError(f"there is no step {', '.join(sorted(unknown))} here; the steps are {names}")
    return [
        Step(step.name, step.method, step.path, _merged(step.params, overrides.get(step.name, {})), step.refused)
        for step in steps
    ]


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> JSON:
    both = {**old}
    for name, value in new.items():
        nested = isinstance(value, Mapping) and isinstance(both.get(name), Mapping)
        both[name] = _merged(both[name], value) if nested else value
    return both
