"""Owns the names for decoded JSON that the layers pass to each other; holds no logic."""

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""A decoded JSON object that we may build on, e.g. an invoice as Stripe answered it."""

JsonView: TypeAlias = Mapping[str, Any]
"""A decoded JSON object that is only read."""
