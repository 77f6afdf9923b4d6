"""A simulated forearm: motor units, the volume between them and the skin, and what goes wrong."""
