"""Controls the sandbox from outside: faults, journal, deliveries, clock."""
