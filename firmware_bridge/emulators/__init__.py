"""Twins of the hands: they speak the hands' own bytes, and do what those do when left alone."""
