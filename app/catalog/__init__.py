"""Products and prices: what is sold, and for how much."""
