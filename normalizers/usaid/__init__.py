"""Contracts and programs of the feeds of USAID."""
