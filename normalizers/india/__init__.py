"""Contracts and SQL programs of the feeds of India."""
