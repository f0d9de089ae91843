"""The Canadian cluster portal, and what stands in for it."""
