"""`python -m jaxbnn`."""

from jaxbnn.cli.main import command_line

command_line()
