"""HTTP as Stripe speaks it; no knowledge of resources."""
