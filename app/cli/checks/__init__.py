"""The checks of `invoicing doctor`."""
