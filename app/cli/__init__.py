"""The command line `invoicing`."""
