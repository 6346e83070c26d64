"""Many seeds: the compiled program, its blocks, devices and processes. Knows nothing of studies or
figures."""
