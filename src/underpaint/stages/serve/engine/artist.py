"""Drawing orders with a loaded model: together where the device gains by it, each cancelled or shown on its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

import numpy as np
from PIL import Image

from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.finishing import finish as deliver
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.graph_drawer import GraphDrawer
from underpaint.pipelines.settings import DrawRequest, Settings
from underpaint.stages.serve.batching.profile import BatchProfile, ProfilePoint
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.engine.finish import finish, sketch
from underpaint.stages.serve.engine.metering import Spent, meter_for
from underpaint.stages.serve.engine.orders import Loaded, Order, Picture, Preview

MOST_AT_ONCE = 16
"""Most pictures that a graphics card is given together."""
PROFILED = (1, 2, 4, 8, 16)
REPEATS = 3
WARM_UP = DrawRequest(caption="a red apple", seed=0)

Finish = Callable[[], Picture]
"""Makes a file of what is drawn, in any thread; raises ``UnderpaintError`` where that cannot be."""


class Dropped(Exception):
    """Nobody wants any of what is being drawn."""


def at_once(drawer: Drawer) -> int:
    """Return how many pictures a drawer computes together."""
    if isinstance(drawer, GraphDrawer):
        return drawer.edge.batch
    device = getattr(drawer, "device", None)
    return 1 if device is None or device.type == "cpu" else MOST_AT_ONCE


def shows_previews(drawer: Drawer) -> bool:
    """Tell whether a drawer can show unfinished pictures; torch is not loaded to find out."""
    if drawer.engine != "torch":
        return False
    from underpaint.pipelines.previews import can_preview

    return can_preview(drawer)


def measure(drawer: Drawer) -> BatchProfile:
    """Measure what batches take, after one that warms up; those that cannot gain by it are not measured.

    Returns:
        A profile of the device as it is now; how it changes is learned while it serves.
    """
    drawer.draw([WARM_UP])
    most = at_once(drawer)
    sizes = [size for size in PROFILED if size < most] + [most]
    return BatchProfile(points=tuple(ProfilePoint(units=size, seconds=_seconds(drawer, size)) for size in sizes))


def _seconds(drawer: Drawer, size: int) -> float:
    times: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        drawer.draw([WARM_UP] * size)
        times.append(time.perf_counter() - began)
    return max(1e-6, median(times))


class Artist:
    """A loaded model that draws orders.

    Args:
        generator: The model.
        seal: Signs finished pictures; None if nothing shall.
    """

    def __init__(self, generator: Generator, seal: Callable[[bytes, Settings], bytes] | None = None) -> None:
        self._generator, self._drawer, self._seal = generator, generator.pipeline, seal
        self._together = at_once(self._drawer)
        self._editor: Editor | None = None
        self._meter = meter_for(self._drawer)

    def loaded(self) -> Loaded:
        """Say what there is, and how fast it is."""
        return Loaded(
            model_sha256=self._generator.model.digest,
            engine=self._drawer.engine,
            at_once=self._together,
            can_preview=shows_previews(self._drawer),
            profile=measure(self._drawer),
        )

    def draw(
        self, orders: Sequence[Order], is_dropped: Callable[[int], bool], on_preview: Callable[[int, Preview], None]
    ) -> Iterator[tuple[int, Finish]]:
        """Draw orders and yield the number of each, as soon as it is drawn, with what finishes it.

        Args:
            orders: Orders that may be drawn together.
            is_dropped: Whether nobody wants the order of a number any more.
            on_preview: Shown unfinished pictures.

        Raises:
            UnderpaintError: A request asks for what this model cannot do.
        """
        for numbers in self._groups(orders):
            wanted = [number for number in numbers if not is_dropped(number)]
            spent: list[Spent] = []
            try:
                with self._meter.measured(spent):
                    drawn = self._drawn(orders, wanted, is_dropped, on_preview) if wanted else []
            except Dropped:
                continue
            for number, pixels in zip(wanted, drawn, strict=True):
                yield number, partial(self._picture, pixels, orders[number], spent[0].share(len(wanted)))

    def _groups(self, orders: Sequence[Order]) -> Iterator[list[int]]:
        plain = [number for number, order in enumerate(orders) if not self._is_alone(order)]
        yield from ([number] for number, order in enumerate(orders) if self._is_alone(order))
        yield from (plain[start : start + self._together] for start in range(0, len(plain), self._together))

    def _is_alone(self, order: Order) -> bool:
        return order.edit is not None or self._is_watched(order)

    def _is_watched(self, order: Order) -> bool:
        return order.previews > 0 and order.edit is None and shows_previews(self._drawer)

    def _drawn(
        self,
        orders: Sequence[Order],
        wanted: Sequence[int],
        is_dropped: Callable[[int], bool],
        on_preview: Callable[[int, Preview], None],
    ) -> Sequence[np.ndarray | Image.Image]:
        """Return pixels ``[H, W, 4]`` of each, or the image that an edit is."""

        def watch(_stage: object) -> None:
            if all(map(is_dropped, wanted)):
                raise Dropped

        first = orders[wanted[0]]
        if first.edit is not None:
            return [self._edited(first.settings, first.edit)]
        if self._is_watched(first):
            return [self._watched(first, watch, lambda preview: on_preview(wanted[0], preview))]
        return self._drawer.draw([orders[number].settings.request for number in wanted], on_stage=watch)

    def _edited(self, settings: Settings, given: EditInput) -> Image.Image:
        """Return an edit; a graph that edits is loaded for the first one and stays."""
        from underpaint.pipelines.editing.asking import editor_of

        original, mask = given.original(), given.mask()
        if self._editor is None:
            self._editor = editor_of(self._generator.model, self._drawer, original, mask)
        return next(iter(self._editor.on(original, mask).draw([settings])))

    def _watched(
        self, order: Order, watch: Callable[[object], None], on_preview: Callable[[Preview], None]
    ) -> np.ndarray:
        from underpaint.pipelines.hybrid import HybridPipeline
        from underpaint.pipelines.previews import draw_watched, preview_steps

        assert isinstance(self._drawer, HybridPipeline)
        steps = preview_steps(self._drawer.quantizer.num_scales, order.previews)

        def show(step: int, num_steps: int, pixels: np.ndarray) -> None:
            watch(step)
            data = sketch(self._image(pixels, order), order.settings, order.output_format)
            on_preview(Preview(data=data, number=steps.index(step), step=step, num_steps=num_steps))

        return draw_watched(self._drawer, order.settings.request, steps, show, watch)

    def _image(self, pixels: np.ndarray, order: Order) -> Image.Image:
        return deliver(pixels, order.settings, self._drawer.engine)

    def _picture(self, drawn: np.ndarray | Image.Image, order: Order, spent: Spent) -> Picture:
        image = drawn if isinstance(drawn, Image.Image) else self._image(drawn, order)
        settings = image.info["underpaint"]
        data = finish(image, settings, order.output_format, order.compression)
        dropped = len(self._generator.unread(settings.caption).split())
        return Picture(
            data=data if self._seal is None else self._seal(data, settings),
            settings=settings,
            words_read=len(settings.caption.split()) - dropped,
            words_dropped=dropped,
            draw_ms=1000 * spent.seconds,
            joules=spent.joules,
            energy_method=spent.method,
        )
