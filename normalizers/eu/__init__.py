"""SQL for the feeds of the European Cluster Observatory and its successors."""
