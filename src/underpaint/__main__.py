"""``python -m underpaint``."""

from __future__ import annotations

import sys

from underpaint.cli.app import main

sys.exit(main())
