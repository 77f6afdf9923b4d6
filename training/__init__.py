"""The workstation: datasets, splits, networks, fit, evaluate, quantize, export."""
