"""What a caller is warned of: the work is done, and less well than it could be. The command line makes notes of it."""

from __future__ import annotations


class PerformanceWarning(UserWarning):
    """A model draws here in another way than it was made for."""
