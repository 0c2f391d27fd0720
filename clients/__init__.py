"""What clients of the service are made with."""
