"""What `invoicing doctor` examines."""
