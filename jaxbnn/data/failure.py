"""What went wrong, in one line."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """The first line of the innermost error: of the cause, where an error names one.

    Libraries wrap an error in others ("HTTPConnectionPool(...): Max retries exceeded with ...");
    the innermost one says what happened.
    """
    inner = error.__cause__
    for argument in error.args:
        if inner is None and isinstance(argument, BaseException):
            inner = argument
    if inner is not None:
        return reason(inner)
    return (str(error) or type(error).__name__).splitlines()[0]
