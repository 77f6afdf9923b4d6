"""The face: live loop, recorder, benchmarks and the command line."""

__version__ = "0.1.0"
