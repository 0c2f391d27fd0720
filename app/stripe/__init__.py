"""The only importer of the Stripe SDK: client, error table, pace."""
