"""Raw records → the common schema."""
