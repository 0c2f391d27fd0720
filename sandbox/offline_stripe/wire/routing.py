"""Routes: the handler of a method and path, and the SDK type that checks its parameters.

A handler gets a `Call` and answers a document or a page.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from offline_stripe.documents import Document
from offline_stripe.store.listing import Page
from offline_stripe.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Call:
    """One API call, authenticated and checked, inside its transaction."""

    tx: Transaction
    params: Document
    path: dict[str, str]
    publishable: bool = False


Answer = Document | Page
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method and path.

    `params` names a type in `stripe.params` (or is a type, where the SDK lacks a preview of Stripe's), `takes` says
    which of them have an effect (`wire.simulated`), and `also` are parameters that only Stripe.js sends.
    """

    method: str
    path: str
    handler: Handler
    params: str | type
    takes: str
    publishable: bool = False
    also: frozenset[str] = field(default_factory=frozenset)


class Router:
    """Looks routes up by the number and text of their path's segments; literals win over ids."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.path.strip("/").split("/")
            self._routes.setdefault((route.method, len(segments)), []).append((segments, route))
        for candidates in self._routes.values():
            candidates.sort(key=lambda entry: sum(segment[0] == "{" for segment in entry[0]))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        segments = path.strip("/").split("/")
        for pattern, route in self._routes.get((method, len(segments)), ()):
            values: dict[str, str] = {}
            for wanted, given in zip(pattern, segments, strict=True):
                if wanted[0] == "{":
                    values[wanted[1:-1]] = given
                elif wanted != given:
                    break
            else:
                return route, values
        return None
