"""Forward passes on sentences of names, scored by the log-odds of the answer against the name that returned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head
from ..model.model import HookedTransformer
from ..tasks.induction import Corrupted, Corruption
from ..tasks.names import NamesBatch, corrupt_names, flipped, names_batch, renamed
from .interventions import FEWEST_DONORS
from .runner import (
    MEAN,
    RESAMPLE,
    Ablation,
    Chunk,
    HeadValues,
    PerQuery,
    Readout,
    Swap,
    TapFactory,
    TaskRunner,
    averaged,
    share_of_queries,
    sub_seed,
)


class NamesRunner(TaskRunner):
    """A runner on sentences of names. A loss is log p(S) − log p(IO), and a prediction is taken among the names.

    Donors are sentences in which no name returns, of the same template as the sequence that they give to.
    """

    batch: NamesBatch

    def __init__(
        self, model: HookedTransformer, batch: NamesBatch, *, seed: int, donors: NamesBatch | None = None
    ) -> None:
        if donors is None:
            count = max(len(batch.tokens), FEWEST_DONORS * int(batch.template.max() + 1))
            donors = names_batch(model, sentences=count, seed=sub_seed(seed, "donors"), kind="control")
        super().__init__(model, batch, seed=seed, donors=donors.tokens)
        self.given = donors
        self._flipped: Readout | None = None
        self._means: HeadValues = {}

    def loss_of(
        self,
        logits: Float[Tensor, "row d_vocab"],
        targets: Int[Tensor, " row"],
        chunk: Chunk,
        here: Bool[Tensor, "batch pos"],
    ) -> Float[Tensor, " row"]:
        """log p(S) − log p(target), in nats."""
        foils = chunk.of(self.batch.foils).to(logits.device)[here]
        return logits.gather(1, foils[:, None])[:, 0] - logits.gather(1, targets[:, None])[:, 0]

    def top_of(self, logits: Float[Tensor, "row d_vocab"]) -> Int[Tensor, " row"]:
        """The name with the highest logit in each row."""
        names = self.batch.names.to(logits.device)
        return names[logits[:, names].argmax(-1)]

    @property
    def flipped_loss(self) -> PerQuery:
        """The loss of the same answer where it is the name that returns."""
        if self._flipped is None:
            self._flipped = self.read(tokens=corrupt_names(self.batch, "A").tokens)
        return self._flipped.loss

    @property
    def gain_by_query(self) -> PerQuery:
        """Half of what it changes that the other name returns: a preference for one of the names is not in it."""
        found: PerQuery = (self.flipped_loss - self.clean.loss) / 2
        return found

    def remaining_losses(self) -> tuple[PerQuery, PerQuery]:
        """Loss of the answer among the sentence's two names, and ln 2, which who ignores their order is expected to
        lose.
        """
        clean = torch.from_numpy(self.clean.loss)
        return F.softplus(clean).numpy(), np.where(np.isnan(self.clean.loss), np.nan, math.log(2))

    def beside_gain(self) -> dict[str, float]:
        right = self.clean.top == self.batch.tokens.roll(-1, 1).numpy()
        return {
            "log-odds": -float(averaged(self.clean.loss).mean()),
            "log-odds, the other name returning": -float(averaged(self.flipped_loss).mean()),
            "accuracy": share_of_queries(right, self.batch.predictable),
        }

    def redrawn(self, sequences: int, seed: int) -> NamesRunner:
        batch = names_batch(self.model, sentences=sequences * self.batch.task.rows, seed=seed)
        return NamesRunner(self.model, batch, seed=seed, donors=self.given)

    def again(self) -> NamesRunner:
        return NamesRunner(self.model, self.batch, seed=self.seed, donors=self.given)

    def corrupted(self, which: Corrupted, seed: int) -> Corruption:
        return corrupt_names(self.batch, which)

    def swap(self, to_output: bool, seed: int) -> Swap:
        """To the output, sentences with other names, whose answer must be said; else those in which the other name
        returns, so that the one that returns here is the answer.
        """
        other = renamed(self.batch, seed) if to_output else flipped(self.batch)
        none = torch.zeros(self.n, 1, dtype=torch.long)
        return Swap(other.tokens, none, other.tokens.roll(-1, 1))

    def donors_of(self, draws: int) -> Int[Tensor, "draw sequence"]:
        """Donors of the same template, without replacement as far as there are enough."""
        generator = torch.Generator().manual_seed(self.seed_for("draws"))
        found = torch.zeros(draws, self.n, dtype=torch.long)
        for row, template in enumerate(self.batch.template.tolist()):
            same = (self.given.template == template).nonzero()[:, 0]
            order = same[torch.randperm(len(same), generator=generator)]
            found[:, row] = order.repeat(-(-draws // len(order)))[:draws]
        return found

    def ablation(
        self, heads: Sequence[Head], how: Ablation, where: Bool[Tensor, "batch pos"] | None = None
    ) -> list[TapFactory]:
        """The tap factories of an ablation by the donors of the same template, one for each draw."""
        if how not in (MEAN, RESAMPLE):
            return super().ablation(heads, how, where)
        layers = sorted({layer for layer, _ in heads})
        if how is MEAN:
            return [self.replaced(heads, self.donor_means(layers), where)]
        foreign = self.z(layers, donors=True)
        rows = self.donors_of(how.draws)
        return [
            self.replaced(heads, {layer: foreign[layer][row.to(foreign[layer].device)] for layer in layers}, where)
            for row in rows
        ]

    def donor_means(self, layers: Iterable[int]) -> HeadValues:
        """z of every head of some layers: for each sequence the mean over the donors of its template."""
        layers = list(layers)
        missing = [layer for layer in layers if layer not in self._means]
        for layer, z in (self.z(missing, donors=True) if missing else {}).items():
            same = (self.batch.template[:, None] == self.given.template).to(z)
            self._means[layer] = torch.einsum("sd,dphe->sphe", same / same.sum(1, keepdim=True), z)
        return {layer: self._means[layer] for layer in layers}
