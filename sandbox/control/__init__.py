"""Steering the sandbox from outside: faults, the journal, deliveries, the clock."""
