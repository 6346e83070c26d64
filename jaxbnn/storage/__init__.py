"""What a run leaves on disk: its folder, checkpoints, results. Knows nothing of devices or
training."""
