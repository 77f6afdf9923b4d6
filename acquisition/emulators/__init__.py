"""Twins of the devices: they speak the devices' own bytes, for whoever has no hardware."""
