"""The European Cluster Observatory, its successors, and their three feeds."""
