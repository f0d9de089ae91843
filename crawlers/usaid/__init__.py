"""USAID: the feeds that remain of its project map."""
