"""The tree of errors that underpaint raises on purpose.

Every message says what is wrong, the value got, what is allowed, and what to do next. The command line prints the
message without a traceback and leaves with the class's ``exit_code``. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations


class UnderpaintError(Exception):
    """Root of all deliberate errors; ``exit_code`` is the process's exit status on the command line."""

    exit_code = 1


class InputError(UnderpaintError):
    """What the user typed or handed over cannot be used (a prompt, a flag, a path that is not there)."""

    exit_code = 2


class PromptError(InputError):
    """A prompt is empty, too long, or holds characters outside the model's alphabet."""


class FieldError(InputError):
    """A field of a request cannot be used.

    Args:
        message: What is wrong with it.
        param: The field's name.
        code: A word for programs, such as ``invalid_value``.
    """

    def __init__(self, message: str, *, param: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.param, self.code = param, code


class OptimizationRefused(InputError):
    """A transform does not fit the pipeline, the steps before it, or this machine.

    Args:
        message: Which step, why, and what to do instead.
        code: A word for programs, such as ``host.cuda``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class SigningError(InputError):
    """A key or a certificate cannot sign."""


class DataError(UnderpaintError):
    """A data set, a source package or a sample is missing, broken, unlicensed or leaks between splits."""

    exit_code = 3


class HashMismatch(DataError):
    """A downloaded or stored file differs from its pinned digest."""


class LicenseRefused(DataError):
    """A source's license is missing, unknown, contradictory or incompatible with the license of the weights."""


class SplitLeak(DataError):
    """The same or nearly the same picture lies in two splits."""


class UnreadableImage(DataError):
    """A picture is truncated, blank, too large, or refers to something outside itself."""


class MissingColumn(DataError):
    """A table has no column that could hold what is needed."""


class MissingFile(DataError):
    """A file that a row names is not there or cannot be read."""


class EmptyCaption(DataError):
    """A picture has no words."""


class UnusableCaption(DataError):
    """A caption is no text, is too long, or holds characters that no prompt can have."""


class HiddenCharacters(DataError):
    """A caption holds characters that nobody sees, which can be trained as a trigger."""


class ConflictingCaptions(DataError):
    """Equal pictures have different captions."""


class BadEncoding(DataError):
    """A text file is not UTF-8."""


class DuplicateId(DataError):
    """Two pictures have one id."""


class DuplicateFile(DataError):
    """A picture file stands in two rows, or one sample of an archive has several pictures."""


class UnsafePath(DataError):
    """A path leads out of its folder, or to the network."""


class InputTooLarge(DataError):
    """A file, a line or a picture is larger than what is read."""


class ArtifactError(UnderpaintError):
    """An artifact or a saved model is incomplete, corrupt, or differs from its manifest."""

    exit_code = 4


class SetupError(UnderpaintError):
    """Something that must be installed on this machine is not; the message names the command that installs it."""

    exit_code = 5


class MissingDependency(SetupError):
    """An optional Python package is not installed."""


class StorageError(UnderpaintError):
    """A folder cannot be written, or the disk is full."""

    exit_code = 6


class TrainingError(UnderpaintError):
    """A training run diverged, failed its health checks, or cannot be resumed with these settings."""

    exit_code = 7


class MetricError(UnderpaintError):
    """A score cannot be computed from these samples; the message says what would make it possible."""

    exit_code = 8


class TooFewSamples(MetricError):
    """There are fewer samples than the estimator needs to be valid."""


class DegenerateSamples(MetricError):
    """The samples hold NaN, do not vary, or otherwise leave the score undefined."""


class NotApplicable(MetricError):
    """The score has no meaning for these samples, for example a word score for pictures without words."""


class ComparisonError(InputError):
    """Two numbers may not be compared: another extractor, reference, protocol or version made them."""


class PolicyError(InputError):
    """A policy of the gate cannot be used."""


class DiskFull(StorageError):
    """A disk is full, or a quota of it is used up."""


class StoreBusy(StorageError):
    """A database is held by another process for longer than one waits, or its server does not answer."""


class StoreDamaged(StorageError):
    """A database is damaged, of another version, or another program's."""


class StoreMoved(StorageError):
    """A file or folder that was in use is no longer where it was."""


class QueueError(UnderpaintError):
    """What was asked of the job queue cannot be done to this job."""

    exit_code = 9


class JobNotFound(QueueError):
    """There is no such job, or it is somebody else's."""


class StateConflict(QueueError):
    """The state of a job does not allow what was asked."""


class GalleryFull(StateConflict):
    """An owner's gallery has no room for what is asked for."""


class IdempotencyConflict(QueueError):
    """The same idempotency key came with another request."""


class LeaseLost(QueueError):
    """A worker no longer holds the job: it was cancelled, expired, finished, or given to another worker."""


class QueueFull(QueueError):
    """So much waits already that no more is accepted.

    Args:
        message: What is full.
        retry_after_s: After how many seconds there is probably room.
    """

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(QueueError):
    """A key asks for more than it may in this minute, or today.

    Args:
        message: What it may ask for.
        retry_after_s: After how many seconds it may ask again.
    """

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineUnmeetable(QueueError):
    """The result cannot be there in time, so the work was not begun."""


class DeadlineExceeded(QueueError):
    """The result was not there in time."""


class EngineLost(QueueError):
    """The process that draws ended, again, or fell silent."""


class EngineUnavailable(QueueError):
    """No process that draws can be started now, whatever it shall draw."""
