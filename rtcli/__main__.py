"""`python -m rtcli` is `rtcli`."""

import os
import sys

# Python has put the current folder first: what lies there (a random.py, a rich/) is not to be imported by us.
if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):  # noqa: PTH109  (pathlib would be imported)
    del sys.path[0]

from rtcli.cli.main import main

sys.exit(main())
