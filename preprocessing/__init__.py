"""What is done to samples, online and offline alike."""
