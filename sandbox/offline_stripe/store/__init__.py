"""One SQLite file: documents, events, transactions, identifiers and the virtual clock."""
