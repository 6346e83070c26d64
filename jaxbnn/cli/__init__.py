"""The command line: the only print, argument parser, signal handler and exit code."""
