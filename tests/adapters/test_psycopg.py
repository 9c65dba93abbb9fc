from __future__ import annotations

import subprocess
import sys

import pytest

from underpaint.adapters.psycopg import PostgresDatabase
from underpaint.core.errors import StoreBusy


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreBusy, match="start the server") as caught:
        PostgresDatabase("postgresql://ann:secret@127.0.0.1:1/pictures", busy_s=1.0)
    assert "127.0.0.1/pictures" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_queue_in_sqlite_does_not_load_psycopg() -> None:
    code = "import sys, underpaint.stages.serve.queue.queue; assert not {'psycopg', 'torch'} & set(sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
