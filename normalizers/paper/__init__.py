"""SQL for the facts of the literature."""
