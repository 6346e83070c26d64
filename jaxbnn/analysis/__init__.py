"""Finished runs: compared, estimated anew, their trajectories and correlations. Knows nothing of
terminals."""
