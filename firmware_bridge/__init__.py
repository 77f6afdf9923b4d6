"""What the hand does: commands, link, control mapping, safety gate."""
