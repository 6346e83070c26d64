"""The most that is read from a file."""

import os


def memory() -> int:
    """The bytes of memory that this machine has: nothing larger is read."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
