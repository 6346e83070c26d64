"""`python -m jaxbnn`."""

import sys

from jaxbnn.cli import main

sys.exit(main())
