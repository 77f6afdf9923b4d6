"""Where samples come from: devices, the simulated arm, replay and recordings."""
