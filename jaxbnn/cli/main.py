"""The entry of the command line: errors in one line, exit codes."""

import errno
import os
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from jaxbnn.cli import interruption, study_file
from jaxbnn.cli.arguments import BAD_INPUT, check_names, parser
from jaxbnn.cli.terminal import accept_any_encoding, discard_output

INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EXPECTED = (ValueError, TypeError, OSError, ImportError, MemoryError)


def command_line() -> NoReturn:
    """Runs the command that the program was called with, and ends the program."""
    try:
        code = main()
    except SystemExit as end:  # of argparse
        code = end.code if isinstance(end.code, int) else 0
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        discard_output()
        code = BROKEN_PIPE
    if interruption.has_left_calls():
        os._exit(code)  # sys.exit would wait until what is compiled is compiled
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: of the command line, those of this program by default.

    Returns:
        0; 1 for a machine that is not ready; 2 for bad input; 75 for a run that was stopped and can
        go on; 130 for Ctrl-C; 141 where what reads the output has ended.
    """
    accept_any_encoding()
    options = parser().parse_args(arguments)
    try:
        check_names(options)
        if getattr(options, "imports", ()):
            study_file.import_all(options.imports)
        code = pkgutil.resolve_name(options.command)(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        discard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("jaxbnn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (*EXPECTED, RuntimeError, AssertionError) as error:
        line = error_line(error)
        if line is None:
            raise
        print(f"jaxbnn: error: {' '.join(line.split())}", file=sys.stderr)
        return BAD_INPUT


def error_line(error: BaseException) -> str | None:
    """What is said of an error; None for one that is a fault of the program."""
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{error}: the disk has no room left; make some, and the same command goes on"
    if isinstance(error, EXPECTED):
        return str(error)
    raised_in = _module_of(error)
    if raised_in == "jax._src.xla_bridge":
        return _no_device(error)
    of_jax = type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError")
    return str(error) if of_jax else None


def _module_of(error: BaseException) -> str:
    """The module in which an error was raised."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return frames[-1][0].f_globals.get("__name__", "") if frames else ""


def _no_device(error: BaseException) -> str:
    """JAX cannot start."""
    asked = os.environ.get("JAX_PLATFORMS")
    reason = str(error) or "none of that kind is here"
    if asked:
        return f"expected a device for JAX_PLATFORMS={asked}, got none ({reason}): unset it"
    return f"expected a device that JAX can use, got none: {reason}"
