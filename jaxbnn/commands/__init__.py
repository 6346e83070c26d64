"""What each command does with its options: it prints, and returns the exit code."""
