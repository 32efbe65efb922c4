"""What a training is, beyond its steps: what it was made from, and what it needs to go on exactly."""
