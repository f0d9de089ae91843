"""Facts of the literature, which we ship: what the founding paper and others state of clusters and programmes."""
