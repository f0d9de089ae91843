"""The observatories of India and their three feeds."""
