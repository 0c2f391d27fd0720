"""PostgreSQL: tables (schema/), connections (engine.py), compiled statements, documents, group commit, partitions."""
