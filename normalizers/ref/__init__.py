"""SQL for the feeds of facts that we ship."""
