"""PostgreSQL: the schema (models.py), connections (engine.py) and every SQL statement of the service."""
