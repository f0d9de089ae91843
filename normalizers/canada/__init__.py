"""SQL for the feeds on Canada."""
