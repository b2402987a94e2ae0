"""`python -m rtcli` is `rtcli`."""

import sys

from rtcli.cli.main import main

sys.exit(main())
