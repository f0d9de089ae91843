"""Facts that we ship: code lists, each a feed of its own."""
