"""Loads the team's fulfillment functions from the entry points of installed packages."""

import inspect
from collections.abc import Awaitable, Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from app.domain.actions import EMAIL, NAME, Misconfigured
from app.hooks import FulfillmentAction

GROUP = "invoicing.fulfillment_actions"

Function = Callable[[FulfillmentAction], Awaitable[object]]


def load() -> dict[str, Function]:
    """The functions by entry point name. Raises Misconfigured for a bad name, a duplicate, or what cannot be called."""
    found: dict[str, Function] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.name == EMAIL or not NAME.fullmatch(entry.name):
            raise _refusal(entry, f"its name must match {NAME.pattern} and not be {EMAIL!r}")
        if entry.name in found:
            raise _refusal(entry, "two packages register this name")
        found[entry.name] = _function(entry)
    return found


def _function(entry: EntryPoint) -> Function:
    try:
        loaded: Any = entry.load()
    except Exception as error:  # whatever a package does when it is imported
        raise _refusal(entry, f"it cannot be imported: {type(error).__name__}: {error}") from error
    if not (inspect.iscoroutinefunction(loaded) or inspect.iscoroutinefunction(type(loaded).__call__)):
        raise _refusal(entry, "it must be an async function")
    return cast("Function", loaded)


def _refusal(entry: EntryPoint, why: str) -> Misconfigured:
    return Misconfigured(f"The fulfillment action {entry.name!r} ({entry.value}) cannot be done: {why}.")
