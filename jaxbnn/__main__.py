"""`python -m jaxbnn`."""

import sys

from jaxbnn.cli.main import main

sys.exit(main())
