"""SQL for the feeds of the United States."""
