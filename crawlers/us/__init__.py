"""The US Cluster Mapping Project."""
