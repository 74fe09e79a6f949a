"""``python -m alarm``, wherever this folder was copied to: the command ``detect-drift``."""

import sys

from .cli import main

sys.exit(main())
