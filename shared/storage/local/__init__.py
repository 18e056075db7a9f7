"""The embedded backend: SQLite and files."""
