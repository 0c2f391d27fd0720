"""Tax rates, and the tax ids of customers."""
