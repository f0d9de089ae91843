"""The observatories of India as local servers: most of their layout is our guess (README.md here)."""
