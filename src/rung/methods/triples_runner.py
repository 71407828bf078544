"""Forward passes on skip-trigrams, scored by the loss of the output."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..model.model import HookedTransformer
from ..tasks.induction import Corrupted, Corruption
from ..tasks.triples import TriplesBatch, corrupt_triples, other_source, triples_batch, without_source
from .interventions import FEWEST_DONORS
from .runner import PerQuery, Readout, Swap, TaskRunner, averaged, share_of_queries, sub_seed


class TriplesRunner(TaskRunner):
    """A runner on skip-trigrams; the gain is what the source takes off the loss of its output.

    A prediction is taken among the table's outputs.
    """

    batch: TriplesBatch

    def __init__(
        self,
        model: HookedTransformer,
        batch: TriplesBatch,
        *,
        seed: int,
        donors: Int[Tensor, "donor pos"] | None = None,
    ) -> None:
        if donors is None:
            count = max(len(batch.tokens), FEWEST_DONORS)
            donors = triples_batch(model, batch.task, sequences=count, seed=sub_seed(seed, "donors")).tokens
        super().__init__(model, batch, seed=seed, donors=donors)
        self._without: Readout | None = None

    def top_of(self, logits: Float[Tensor, "row d_vocab"]) -> Int[Tensor, " row"]:
        """The output of the table with the highest logit in each row."""
        outputs = self.batch.outputs.to(logits.device)
        return outputs[logits[:, outputs].argmax(-1)]

    @property
    def loss_without(self) -> PerQuery:
        """The loss of the same output with an ordinary token in place of the source."""
        if self._without is None:
            self._without = self.read(tokens=without_source(self.batch))
        return self._without.loss

    @property
    def gain_by_query(self) -> PerQuery:
        """What the source takes off the loss of its output."""
        found: PerQuery = self.loss_without - self.clean.loss
        return found

    def output_logits(self, tokens: Int[Tensor, "sequence pos"]) -> Float[Tensor, "sequence pair"]:
        """The logits of the table's outputs at each sequence's query, float64."""
        found = torch.zeros(self.n, len(self.batch.task.pairs), dtype=torch.float64)
        for chunk in self.chunks:
            logits = self.row_logits(self.run(chunk.of(tokens)), chunk.of(self.predictable))
            found[chunk.rows] = logits[:, self.batch.outputs.to(logits.device)].double().cpu()
        return found

    def remaining_losses(self) -> tuple[PerQuery, PerQuery]:
        """Loss of the output among the table's outputs, by what the source adds to their logits; ln of their number.

        Who does not see the source adds nothing, and loses that; what the model says of the outputs anyway, by their
        frequency, is in neither.
        """
        batch = self.batch
        added = self.output_logits(batch.tokens) - self.output_logits(without_source(batch))
        own = added.log_softmax(1).gather(1, batch.pair[:, None])
        loss, bound = (np.full(batch.tokens.shape, np.nan) for _ in range(2))
        at = batch.predictable.numpy()
        loss[at], bound[at] = -own[:, 0].numpy(), math.log(len(batch.task.pairs))
        return loss, bound

    def beside_gain(self) -> dict[str, float]:
        right = self.clean.top == self.batch.tokens.roll(-1, 1).numpy()
        return {
            "without source": float(averaged(self.loss_without).mean()),
            "with source": float(averaged(self.clean.loss).mean()),
            "accuracy": share_of_queries(right, self.batch.predictable),
        }

    def redrawn(self, sequences: int, seed: int) -> TriplesRunner:
        batch = triples_batch(self.model, self.batch.task, sequences=sequences * self.batch.task.rows, seed=seed)
        return TriplesRunner(self.model, batch, seed=seed, donors=self.donors)

    def again(self) -> TriplesRunner:
        return TriplesRunner(self.model, self.batch, seed=self.seed, donors=self.donors)

    def corrupted(self, which: Corrupted, seed: int) -> Corruption:
        return corrupt_triples(self.batch, which, seed)

    def swap(self, to_output: bool, seed: int) -> Swap:
        """Sequences with another source, whose output must be said."""
        other = other_source(self.batch, seed)
        return Swap(other.tokens, torch.zeros(self.n, 1, dtype=torch.long), other.tokens.roll(-1, 1))
