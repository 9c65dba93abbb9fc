"""Running the application until it is told to stop, and letting what runs end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
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
        on_ready: Called when requests are answered.
    """

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None], on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit, self._on_ready = on_exit, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal stops at once."""
        self._on_exit()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def listening(config: ServeConfig, *, or_any: bool = False) -> Iterator[socket.socket]:
    """Give a socket that listens; its protocol is named, or asyncio would let small parts of answers wait (Nagle).

    Args:
        config: The settings, with address and port.
        or_any: Whether any other port will do if that one is taken.

    Raises:
        StorageError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(listener, config.host.strip("[]"), [config.port, 0] if or_any else [config.port])
        except OSError as error:
            raise StorageError(
                f"cannot listen on {config.host} port {config.port} ({error.strerror}); choose another with --port"
            ) from None
        yield listener


def _bind(listener: socket.socket, host: str, ports: Sequence[int]) -> None:
    """Bind a socket to the first port that is free.

    Raises:
        OSError: None is.
    """
    for port in ports[:-1]:
        with contextlib.suppress(OSError):
            listener.bind((host, port))
            return
    listener.bind((host, ports[-1]))


def address_of(listener: socket.socket) -> str:
    """Return the address that a listener can be called under."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: Application, listener: socket.socket, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until a signal to stop comes.

    Args:
        application: What is served.
        listener: From ``listening``.
        on_ready: Called when requests are answered.

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
    server = DrainingServer(config, on_exit=backend.drain, on_ready=on_ready)
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    if application.failure is not None:
        raise application.failure
