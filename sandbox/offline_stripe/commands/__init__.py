"""The commands beside `serve`. They speak to a sandbox, or to Stripe, over HTTP like anybody else."""
