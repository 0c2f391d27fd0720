"""What a customer's browser sees."""
