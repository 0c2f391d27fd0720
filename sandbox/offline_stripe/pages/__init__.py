"""The pages in a customer's browser."""
