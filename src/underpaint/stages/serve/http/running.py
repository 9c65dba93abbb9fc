"""Running the application until it is told to stop, and letting what runs end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from underpaint.core.errors import StorageError
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.http.app import Application

GRACE_S = 5.0
"""How long answers may take to be sent after their work is done."""


class DrainingServer(uvicorn.Server):
    """A server that tells its service at once that it is being stopped, so that streams end and work is put back.

    Args:
        config: Of uvicorn.
        on_exit: Called at the first signal to stop.
    """

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal stops at once."""
        self._on_exit()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def listening(config: ServeConfig) -> Iterator[socket.socket]:
    """Give a socket that listens; its protocol is named, or asyncio would let small parts of answers wait (Nagle).

    Raises:
        StorageError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((config.host.strip("[]"), config.port))
        except OSError as error:
            raise StorageError(
                f"cannot listen on {config.host} port {config.port} ({error.strerror}); choose another with --port"
            ) from None
        yield listener


def address_of(listener: socket.socket) -> str:
    """Return the address that a listener can be called under."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: Application, listener: socket.socket) -> None:
    """Serve until a signal to stop comes.

    Args:
        application: What is served.
        listener: From ``listening``.

    Raises:
        UnderpaintError: It could not be started, since the default model cannot be loaded.
    """
    backend = application.backend
    config = uvicorn.Config(
        application.asgi,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(backend.service.config.drain_s + GRACE_S),
        lifespan="on",
    )
    server = DrainingServer(config, on_exit=backend.drain)
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    if application.failure is not None:
        raise application.failure
