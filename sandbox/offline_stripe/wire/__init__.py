"""HTTP as Stripe speaks it. It knows no resource."""
