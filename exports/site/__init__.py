"""The site of a release: static pages and JSON shards that any plain HTTP server can serve."""
