"""What ours is compared with. None of it imports the service, but for orm.py, which reads through its models."""
