"""What Rung raises when it is asked for something that cannot be.

Every message says what was asked, what was found, and what would fit. `RungError` is the one class to catch;
the command line turns it into one line on stderr and exit code 2.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RungError(Exception):
    """Base class for errors caused by invalid input: a path, a name, a shape, an option."""


class ConfigError(RungError):
    """A model description that contradicts itself, or a config key that is not understood."""


class CheckpointError(RungError):
    """Files that do not hold the model they promise: missing, extra, misshapen, corrupt or not finite."""


class PickleRefused(CheckpointError):
    """A checkpoint that could run code when opened. Rung opens safetensors, JSON and GGUF only."""


class FetchError(CheckpointError):
    """A model that cannot be brought here: unknown, gated, out of reach, or not what was promised."""


class TokenizerError(RungError):
    """Text was given or asked for, and the tokenizer is absent or does not fit the model."""


class NoTokenizerError(TokenizerError, AssertionError):
    """Text, or an end token, was asked of a model without a tokenizer. Also an AssertionError, which code in the
    field's names catches here.
    """


class PromptError(RungError):
    """Tokens that the model cannot read: too many, out of the vocabulary, of the wrong type or shape."""


class ShapeError(RungError, AssertionError, RuntimeError):
    """Tensors whose axes do not fit together. Also an AssertionError and a RuntimeError, which code in the field's
    names catches here.
    """


class SiteError(RungError):
    """A hook name, a cached activation or a head that this model does not have."""


class BatchAxisError(SiteError, AssertionError):
    """A batch axis that is not there, or that holds more than can be dropped. Also an AssertionError, which code in the
    field's names catches here.
    """


class ProcessingError(RungError):
    """A change of weights that would alter what the model computes."""


class NothingToProcess(ProcessingError):
    """A change of weights whose object this model does not have."""


class InterventionError(RungError):
    """An intervention that cannot be carried out as described."""


class NotDefinedError(RungError):
    """A quantity that does not exist for this model: a positional QK without positions, a sum of clamped keys."""


class ClaimError(RungError):
    """A claim that cannot be meant: an unknown role, an edge inside one layer, heads that are not written as heads."""


class RecordError(RungError):
    """A record that cannot be written where it was asked for, or a file that is not a whole record."""


class StoreError(RungError):
    """A stored sweep that was asked otherwise, is damaged or cannot be written, or that its workers cannot run."""


class ProcessingNote(UserWarning):
    """Told when a requested weight change does not fit the model and was skipped."""


class TextNote(UserWarning):
    """Warns of text that can be read, though hardly as it was meant."""


def near(name: str, options: Iterable[str], count: int = 3) -> str:
    """A closing sentence with the options most like `name`, or the empty string if none is."""
    found = get_close_matches(name, list(options), n=count, cutoff=0.5)
    return f" Near names: {', '.join(found)}." if found else ""
