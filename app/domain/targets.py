"""Markers in a request's schema that say which parameter of Stripe's call each of its fields becomes. Pure.

A field becomes Stripe's parameter of the same name unless it is marked:

    due_at: Annotated[Time | None, To("due_date")] = None
    reference: Annotated[Reference | None, To("metadata", REFERENCE)] = None
    finalize: Annotated[bool, To()] = False

So one more parameter is one line of a schema. `app/stripe/parameters.py` compiles the markers.
"""


class To:
    """The path to a parameter in Stripe's call. Without a path the field is ours alone: Stripe is not given it."""

    def __init__(self, *path: str) -> None:
        self.path = path
