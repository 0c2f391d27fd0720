"""Tax codes: which kind of thing is sold. Stripe's list is not here; what has the form of an entry counts as one."""

import re

from offline_stripe.wire.errors import resource_missing

_CODE = re.compile(r"txcd_\d{8}")


def checked_tax_code(sent: str | None, param: str = "tax_code") -> str | None:
    """The code; None for an empty one. Raises StripeError for what cannot be on Stripe's list."""
    if sent and not _CODE.fullmatch(sent):
        raise resource_missing("tax code", sent, param=param)
    return sent or None
