"""``python -m ctrgcn_plugin``: the same as the command ``ctrgcn``."""

import sys

from ctrgcn_plugin.cli import main

if __name__ == "__main__":
    sys.exit(main())
