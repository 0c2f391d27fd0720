"""Which parameters Stripe's operations have, by the types of the installed SDK.

It knows names and their parts. `wire.parameters` checks values.
"""

from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typing_extensions

from offline_stripe.wire.parameters import annotations_of, namespace_of, params_type, resolve

Declared = dict[str, "Declared | None"]
"""Parameters by name, each with its parts; None where a value has none."""


@cache
def declared(name: str) -> Declared:
    """The parameters of `stripe.params.<name>`."""
    return _parts(params_type(name))


def _parts(kind: type) -> Declared:
    namespace = namespace_of(kind)
    return {key: _inner(resolve(value, namespace), namespace) for key, value in annotations_of(kind).items()}


def _inner(annotation: Any, namespace: dict[str, Any]) -> Declared | None:
    if typing_extensions.is_typeddict(annotation):
        return _parts(annotation)
    if get_origin(annotation) in (list, Union, UnionType):
        for member in get_args(annotation):
            found = _inner(resolve(member, namespace), namespace)
            if found is not None:
                return found
    return None
