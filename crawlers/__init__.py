"""The world → archive and raw records."""
