"""`python -m offline_stripe`."""

from offline_stripe.cli import main

raise SystemExit(main())
