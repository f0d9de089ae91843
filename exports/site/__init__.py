"""The static site of a release: pages and data, made from the release's tables alone."""

FOLDER = "site"
"""Folder of the site, below that of the release."""
