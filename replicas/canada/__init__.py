"""The Canadian sources as local servers: invented figures; what else is invented stands in README.md here."""
