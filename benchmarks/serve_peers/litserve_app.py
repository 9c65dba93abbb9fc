"""LitServe with batching, as its documents show it: requests and replies without annotations, which it would check.

Its one argument is the port.
"""

from __future__ import annotations

import sys

import litserve  # pyright: ignore[reportMissingImports]
from device import AT_ONCE, DevicePlan, SleepingDevice
from reply import reply_of


class Drawing(litserve.LitAPI):
    """A model that draws."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Open the device, in the process of the model."""
        self._plan = DevicePlan.read()
        self._sleeping = SleepingDevice(self._plan)

    def decode_request(self, request, **_kwargs):
        """Return the prompt."""
        return str(request["prompt"])

    def predict(self, x, **_kwargs):
        """Draw a batch."""
        return self._sleeping.draw(len(x))

    def unbatch(self, output):
        """Return the pictures of a batch."""
        return output

    def encode_response(self, output, **_kwargs):
        """Return an answer."""
        return reply_of(output, self._plan.padding)


if __name__ == "__main__":
    api = Drawing(max_batch_size=AT_ONCE, batch_timeout=0.005, api_path="/draw")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=60)
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="warning")
