"""Which payment methods are listed."""

from typing import Annotated

from pydantic import Field

from app.http.queries import Paging


class PaymentMethodsQuery(Paging):
    """Which payment methods of a customer are listed."""

    type: Annotated[str | None, Field(pattern=r"^[a-z0-9_]{1,50}$")] = None
