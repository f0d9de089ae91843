"""The common schema and its history, in DuckDB."""
