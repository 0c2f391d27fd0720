"""Credit notes: what is taken back of a finalized invoice."""
