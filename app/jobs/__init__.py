"""What the background jobs share."""
