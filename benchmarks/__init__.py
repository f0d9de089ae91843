"""Measurements, always as ratios within one run; nothing here is asserted by the clock."""
