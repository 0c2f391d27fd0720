"""PostgreSQL: the schema (models/), connections (engine.py) and every SQL statement of the service."""
