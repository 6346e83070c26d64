from pathlib import Path

from jaxbnn.files import limits


def test_memory_is_that_of_the_machine():
    line = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line
    )
    assert limits.memory() == 1024 * int(line.split()[1])
