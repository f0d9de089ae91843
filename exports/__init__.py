"""The warehouse → releases."""
