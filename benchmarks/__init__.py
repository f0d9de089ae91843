"""What it costs: ratios against simpler ways, each measured in one run on the same bytes."""
