"""What is claimed: a task, roles that heads fill, and edges between roles. Named before the confirming data is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from ..circuits.composition import Into
from ..circuits.heads import AnyHead, Head, head_label, whole_head
from ..circuits.positional import RELATIVE
from ..config import ModelConfig
from ..display import Shown
from ..engine.sites import check_head
from ..errors import ClaimError, near
from ..tasks.induction import LOOK_UP, RANDOM_REPEATS, Corrupted, Task
from ..tasks.names import IOI as INDIRECT_OBJECT
from ..tasks.task import find_task, kind_of_task
from ..tasks.triples import OPEN
from .observation import Rung, TestSpec

Signature = Literal["previous_token", "induction", "duplicate_token", "s_inhibition", "name_mover", "skip_trigram"]
"""Where a role's heads look."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What follows from where a role's heads look."""

    tasks: tuple[str, ...]
    """The tasks that have such places."""
    acts_at: str
    """The positions it looks from, in words."""
    by: Literal["position", "token", "edge"]
    """What makes it look there: position, its own match of two tokens, or what another role wrote."""
    control: Literal["even", "unrepeated"]
    """What its score is held against: even attention, or the same place where the behaviour has nothing to work on."""
    answers: bool = False
    """Whether the answer stands where it looks, so that writing it to the output can help."""
    read_by: Signature | None = None
    """The signature of what reads such a role where no reader is named."""
    read_through: Into = "K"
    """The input through which that reads it."""


_COPIES = (RANDOM_REPEATS.name, LOOK_UP.name)
_NAMES = (INDIRECT_OBJECT.name,)
LOOKS: Mapping[Signature, Looks] = {
    "previous_token": Looks(tasks=_COPIES, acts_at="sources", by="position", control="even", read_by="induction"),
    "induction": Looks(tasks=_COPIES, acts_at="queries", by="edge", control="unrepeated", answers=True),
    "duplicate_token": Looks(
        tasks=_NAMES,
        acts_at="names that return",
        by="token",
        control="unrepeated",
        read_by="s_inhibition",
        read_through="V",
    ),
    "s_inhibition": Looks(tasks=_NAMES, acts_at="queries", by="edge", control="even"),
    "name_mover": Looks(tasks=_NAMES, acts_at="queries", by="edge", control="even", answers=True),
    "skip_trigram": Looks(tasks=(OPEN,), acts_at="queries", by="token", control="unrepeated", answers=True),
}
"""Each signature: one back from the token after the earlier occurrence; from the query at that token; from the name
that returns at its first occurrence; from the query at the name that returned; from the query at the other name; from a
table's query at its source.
"""
OUTPUT = "output"
LATER = "later heads"
"""What a role writes to whose readers the claim does not name."""


def labels(heads: Iterable[Head]) -> str:
    """Heads as people write them: 0.1, 0.2."""
    return ", ".join(map(head_label, heads))


@dataclass(frozen=True, kw_only=True)
class Role:
    """A job in the circuit, and the heads said to do it."""

    name: str
    job: str
    """In words: what it moves where."""
    signature: Signature
    writes_to: str
    """The output, the role that reads it, or "later heads"."""
    heads: tuple[Head, ...] = ()

    @property
    def labels(self) -> str:
        """Its heads, as people write them."""
        return labels(self.heads)

    @property
    def denoising_corruption(self) -> Corrupted:
        """The token whose replacement this role's clean output must be able to undo: B for a copy, else A."""
        return "B" if self.writes_to == OUTPUT else "A"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What `sender` writes is read by `receiver` through its queries, keys or values, directly."""

    sender: str
    receiver: str
    into: Into


@dataclass(frozen=True, kw_only=True, repr=False)
class Claim(Shown):
    """Roles and edges that explain a task."""

    name: str
    task: str
    roles: tuple[Role, ...]
    edges: tuple[Edge, ...]

    def role(self, name: str) -> Role:
        """The role of this name; ClaimError with near names if there is none."""
        for role in self.roles:
            if role.name == name:
                return role
        names = [role.name for role in self.roles]
        raise ClaimError(
            f"the claim {self.name!r} has no role {name!r}; its roles are {', '.join(names)}.{near(name, names)}"
        )

    @property
    def heads(self) -> tuple[Head, ...]:
        """Every head that fills a role, once."""
        return tuple(dict.fromkeys(head for role in self.roles for head in role.heads))

    def edge_of(self, spec: TestSpec) -> Edge:
        """The edge that a test speaks of."""
        return next(
            edge
            for edge in self.edges
            if (edge.sender, edge.into) == (spec.role, spec.into)
            and set(spec.receivers) <= set(self.role(edge.receiver).heads)
        )

    def inputs(self, spec: TestSpec) -> tuple[Into, ...]:
        """All inputs through which the receivers of a test's edge are claimed to read its senders."""
        edge = self.edge_of(spec)
        return tuple(one.into for one in self.edges if (one.sender, one.receiver) == (edge.sender, edge.receiver))

    @property
    def is_part(self) -> bool:
        """Whether the claim is about one role alone, and leaves open what it reads or what reads it."""
        return len(self.roles) == 1 and (
            self.roles[0].writes_to == LATER or LOOKS[self.roles[0].signature].by == "edge"
        )

    @property
    def complete(self) -> bool:
        """Whether every role is filled, and the task has its table if it needs one."""
        return self.task != OPEN and all(role.heads for role in self.roles)

    def ends(self, edge: Edge) -> tuple[tuple[Head, ...], tuple[Head, ...]]:
        """The heads that send along an edge, and those that receive."""
        return self.role(edge.sender).heads, self.role(edge.receiver).heads

    def pairs(self, edge: Edge) -> list[tuple[Head, Head]]:
        """Each sender with each receiver."""
        return list(product(*self.ends(edge)))

    def with_heads(self, heads: Mapping[str, Iterable[AnyHead]]) -> Claim:
        """The claim with some roles filled. Raises ClaimError for a role it does not have."""
        for name in heads:
            self.role(name)
        roles = tuple(
            replace(role, heads=tuple(dict.fromkeys(map(whole_head, heads[role.name])))) if role.name in heads else role
            for role in self.roles
        )
        return replace(self, roles=roles)

    def check(self, config: ModelConfig) -> None:
        """Raises SiteError for a missing head, ClaimError for a head in two roles or an edge that cannot be.

        Also for a claim that leaves out what would have to be tested: a role that reaches nothing, a match without the
        edge that it matches by, a task that is not known.
        """
        self._check_whole()
        for role in self.roles:
            for head in role.heads:
                check_head(config, *head)
        for head in self.heads:
            filled = [role.name for role in self.roles if head in role.heads]
            if len(filled) > 1:
                raise ClaimError(f"head {head_label(head)} is claimed for {' and '.join(filled)}; one head, one role")
        for edge in self.edges:
            for sender in self.role(edge.sender).heads:
                for receiver in self.role(edge.receiver).heads:
                    if receiver[0] <= sender[0]:
                        raise ClaimError(_impossible(sender, receiver))

    def _check_whole(self) -> None:
        names = [role.name for role in self.roles]
        if self.task != OPEN:
            find_task(self.task)
        for role in self.roles:
            if kind_of_task(self.task) not in LOOKS[role.signature].tasks:
                raise ClaimError(
                    f"the role {role.name!r} looks as {role.signature} heads do, and the task {self.task!r} has no "
                    f"such place; it is one of {' and '.join(LOOKS[role.signature].tasks)}"
                )
        if len(set(names)) < len(names) or not names:
            raise ClaimError(f"a claim needs roles, each with a name of its own; these are {names}")
        if self.is_part and not self.edges and self.roles[0].writes_to in (OUTPUT, LATER):
            self._check_part(self.roles[0])
            return
        if all(role.writes_to != OUTPUT for role in self.roles):
            raise ClaimError(f"no role of {self.name!r} writes to the output, so nothing would explain the behaviour")
        for role in self.roles:
            if role.writes_to == OUTPUT and not LOOKS[role.signature].answers:
                raise ClaimError(self._says_nothing(role))
        if len(set(self.edges)) < len(self.edges):
            raise ClaimError(f"an edge of {self.name!r} is there twice")
        along = {(edge.sender, edge.receiver) for edge in self.edges}
        for edge in self.edges:
            if self.role(edge.sender).writes_to != edge.receiver:
                raise ClaimError(
                    f"the edge {edge.sender} → {edge.receiver} is not where {edge.sender} is said to write"
                )
            self.role(edge.receiver)
        for role in self.roles:
            if len(set(role.heads)) < len(role.heads):
                raise ClaimError(f"a head is named twice for {role.name}: {role.labels}")
            if role.writes_to != OUTPUT and (role.name, role.writes_to) not in along:
                raise ClaimError(f"{role.name} writes to {role.writes_to!r}, and no edge says through which input")
            if LOOKS[role.signature].by == "edge" and role.name not in {edge.receiver for edge in self.edges}:
                raise ClaimError(f"{role.name} matches by what another role wrote, and no edge leads to it")

    def _check_part(self, role: Role) -> None:
        if len(set(role.heads)) < len(role.heads):
            raise ClaimError(f"a head is named twice for {role.name}: {role.labels}")
        if role.writes_to == OUTPUT and not LOOKS[role.signature].answers:
            raise ClaimError(self._says_nothing(role))
        if role.writes_to == LATER and LOOKS[role.signature].by == "edge":
            raise ClaimError(
                f"{role.name} looks where another role makes it look, and writes to later heads; by itself the ladder "
                "tests such a role at the output alone"
            )

    def _says_nothing(self, role: Role) -> str:
        looks = "looks at the name that is not the answer and writes to the output; on {task} it is never said next"
        if role.signature == "previous_token":
            looks = (
                "looks one back and writes to the output; on {task} the token before a query says nothing of the next "
                "one"
            )
        return f"a role of {self.name!r} {looks.format(task=self.task)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "task": self.task,
            "roles": [vars(role) | {"heads": [head_label(head) for head in role.heads]} for role in self.roles],
            "edges": [dict(vars(edge)) for edge in self.edges],
        }


def _impossible(sender: Head, receiver: Head) -> str:
    edge = f"no edge {head_label(sender)} → {head_label(receiver)}"
    if sender[0] == receiver[0]:
        return f"{edge}: heads of one layer read the same input, so neither can read what the other writes"
    return f"{edge}: what layer {sender[0]} writes reaches only later layers than itself"


INDUCTION = Claim(
    name="induction",
    task=RANDOM_REPEATS.name,
    roles=(
        Role(
            name="previous_token",
            job="writes into B's position that A came before it",
            signature="previous_token",
            writes_to="induction",
        ),
        Role(
            name="induction",
            job="finds the position whose predecessor was A, and copies its token",
            signature="induction",
            writes_to=OUTPUT,
        ),
    ),
    edges=(Edge(sender="previous_token", receiver="induction", into="K"),),
)
"""On … A B … A the model predicts B: route, match, copy (Olsson et al. 2022, arXiv:2209.11895)."""

LOOKUP = replace(INDUCTION, name="lookup", task=LOOK_UP.name)
"""On k₁ v₁ k₂ v₂ … k₂ the model predicts v₂: the same circuit, on pairs that return in another order."""

PREVIOUS_TOKEN = Claim(
    name="previous_token",
    task=RANDOM_REPEATS.name,
    roles=(replace(INDUCTION.roles[0], writes_to=LATER),),
    edges=(),
)
"""The routing part of induction by itself, whichever heads read it."""
COPYING = Claim(
    name="copying",
    task=RANDOM_REPEATS.name,
    roles=(
        Role(
            name="copying",
            job="attends to the token after the earlier occurrence, and copies it to the output",
            signature="induction",
            writes_to=OUTPUT,
        ),
    ),
    edges=(),
)
"""The copying part of induction by itself, whatever makes the heads attend there."""

IOI = Claim(
    name="ioi",
    task=INDIRECT_OBJECT.name,
    roles=(
        Role(
            name="duplicate_token",
            job="writes where a name returns that it was there before",
            signature="duplicate_token",
            writes_to="s_inhibition",
        ),
        Role(
            name="s_inhibition",
            job="finds the name that returned, and tells the name movers to pass it by",
            signature="s_inhibition",
            writes_to="name_mover",
        ),
        Role(
            name="name_mover",
            job="attends to the other name, and copies it",
            signature="name_mover",
            writes_to=OUTPUT,
        ),
    ),
    edges=(
        Edge(sender="duplicate_token", receiver="s_inhibition", into="K"),
        Edge(sender="duplicate_token", receiver="s_inhibition", into="V"),
        Edge(sender="s_inhibition", receiver="name_mover", into="Q"),
    ),
)
"""Of two names the one that does not return follows (Wang et al. 2022, arXiv:2211.00593)."""
DUPLICATE_TOKEN = Claim(
    name="duplicate_token",
    task=INDIRECT_OBJECT.name,
    roles=(replace(IOI.roles[0], writes_to=LATER),),
    edges=(),
)
"""The part of indirect-object identification that notices that a name returns, whichever heads read it."""

SKIP_TRIGRAM = Claim(
    name="skip_trigram",
    task=OPEN,
    roles=(
        Role(
            name="skip_trigram",
            job="attends from the query to the source, and writes the source's output",
            signature="skip_trigram",
            writes_to=OUTPUT,
        ),
    ),
    edges=(),
)
"""On … A … B the model predicts C, for a table of sources and outputs (Elhage et al. 2021). The search reads the table
off the weights; `task` holds it then.
"""

CLAIMS: Mapping[str, Claim] = {
    claim.name: claim for claim in (INDUCTION, LOOKUP, PREVIOUS_TOKEN, COPYING, IOI, DUPLICATE_TOKEN, SKIP_TRIGRAM)
}
"""The claims that Rung knows by name."""


def required_tests(claim: Claim, config: ModelConfig, texts: bool) -> tuple[TestSpec, ...]:
    """Every test that the claim must pass on a model of this config, in the order they run.

    It follows from where each role writes and what each edge joins, never from the claim's author: a role that writes
    to the output is asked for OV, one that looks one back for a positional QK, every edge for its own path. `texts`:
    whether the model has a tokenizer, so that text can be read. Roles without heads are asked for their signature
    alone.
    """
    specs = [TestSpec("behaviour.gain", 0, "the model"), TestSpec("behaviour.order", 0, "the model")]
    for role in claim.roles:
        specs += [_of_head("clue.signature", 1, role, head) for head in role.heads]
        if not role.heads:
            specs.append(TestSpec("clue.signature", 1, role.name, role=role.name))
    if not claim.complete:
        return tuple(specs)
    for role in claim.roles:
        if role.writes_to == OUTPUT:
            specs += [_of_head("contribution.direct", 2, role, head) for head in role.heads]
        if role.writes_to == LATER:
            specs += [_to_later(role, head) for head in role.heads]
    for edge in claim.edges:
        specs += [_of_edge("contribution.edge", 2, claim, edge, [s], [r]) for s, r in claim.pairs(edge)]
    specs.append(TestSpec("contribution.sum", 2, "the model"))
    for role in claim.roles:
        specs += _causal(role)
    for edge in claim.edges:
        pairs = claim.pairs(edge)
        specs.append(_of_edge("support.edge", 3, claim, edge, *claim.ends(edge)))
        if edge is _joint(claim, edge)[0]:
            joint = _of_edge("support.edge_interchange", 3, claim, edge, *claim.ends(edge))
            inputs = ", ".join(one.into for one in _joint(claim, edge))
            specs.append(replace(joint, subject=f"{joint.subject.rpartition('.')[0]}.{inputs}"))
        if len(pairs) > 1:
            specs += [_of_edge("support.edge_part", 3, claim, edge, [s], [r]) for s, r in pairs]
    if texts:
        specs.append(TestSpec("support.off_task", 3, THE_CIRCUIT))
    specs += _whole(claim, config)
    return tuple(sorted((*specs, *_weights(claim, config)), key=lambda spec: spec.rung))


def _whole(claim: Claim, config: ModelConfig) -> list[TestSpec]:
    """What the circuit as a whole must show: alone, and the model without other heads; a part only the latter."""
    specs: list[TestSpec] = []
    whole: Literal["support", "mechanism"] = "support" if config.attn_only else "mechanism"
    rung: Rung = 3 if config.attn_only else 4
    # A single other head of a whole circuit is ablated by its faithfulness; a part has no such test.
    if len(uninvolved_heads(claim, config)) > (0 if claim.is_part else 1):
        specs.append(TestSpec(f"{whole}.complement", rung, THE_CIRCUIT, approximate=not config.attn_only))
    if claim.is_part:
        return specs
    in_parts = [TestSpec(f"{whole}.{test}", rung, THE_CIRCUIT) for test in ("faithfulness", "agreement")]
    many = [role for role in claim.roles if len(role.heads) > 1]
    in_parts += [_of_head(f"{whole}.member_alone", rung, role, head) for role in many for head in role.heads]
    return specs + [replace(one, approximate=not config.attn_only) for one in in_parts]


def uninvolved_heads(claim: Claim, config: ModelConfig) -> list[Head]:
    """The heads that the behaviour must not need if the claim is true: all that fill no role.

    Of a part: those that cannot be what it leaves open, up to its last layer if that is what reads it, from its first
    layer on if that is what it reads.
    """
    layers = [layer for layer, _ in claim.heads]
    first, last = 0, config.n_layers - 1
    if claim.is_part and claim.roles[0].writes_to == OUTPUT:
        first = min(layers)
    elif claim.is_part:
        last = max(layers)
    heads = product(range(first, last + 1), range(config.n_heads))
    return [head for head in heads if head not in claim.heads]


def descriptive_tests(claim: Claim, config: ModelConfig, texts: bool) -> tuple[TestSpec, ...]:
    """What is shown beside the required tests and decides nothing."""
    if not claim.complete:
        return ()
    specs: list[TestSpec] = []
    copies = isinstance(find_task(claim.task), Task)
    for role in claim.roles:
        aligned = ["shown.aligned_mean"] if copies else []
        tests = ("shown.zero", *aligned, "shown.dose", "shown.self_repair", "shown.search_stability")
        specs += [TestSpec(test, 3, role.labels, role=role.name, heads=role.heads) for test in tests]
    circuit = ["without", *(["first_copy", "logit_difference"] if copies else [])]
    circuit += [*([] if claim.is_part else ["rival_circuit"]), "permuted"]
    specs += [TestSpec(f"shown.{test}", 3, THE_CIRCUIT) for test in circuit]
    on_prose = texts and claim.task == RANDOM_REPEATS.name
    for role in claim.roles if on_prose else ():
        specs += [_of_head("shown.prose_signature", 1, role, head) for head in role.heads]
    if on_prose:
        specs.append(TestSpec("shown.prose_necessity", 3, THE_CIRCUIT))
    for role in (role for role in claim.roles if role.writes_to == OUTPUT and role.signature != "skip_trigram"):
        specs += [_of_head("shown.eigenvalues", 4, role, head) for head in role.heads]
    for edge in claim.edges if config.n_layers <= MOST_LAYERS_COMPOSED else ():
        specs += [_of_edge("shown.composition", 4, claim, edge, [s], [r]) for s, r in claim.pairs(edge)]
    return tuple(replace(spec, required=False) for spec in specs)


THE_CIRCUIT = "the circuit"
MOST_LAYERS_COMPOSED = 4
"""Composition norms of every pair are taken in models of at most so many layers."""


def _joint(claim: Claim, edge: Edge) -> list[Edge]:
    """All edges between the same two roles."""
    return [one for one in claim.edges if (one.sender, one.receiver) == (edge.sender, edge.receiver)]


def _causal(role: Role) -> list[TestSpec]:
    tests = ["support.necessity", "support.denoising", "support.interchange", "support.positions"]
    outputs = ["support.output", "support.output_interchange"] if role.writes_to == OUTPUT else []
    specs = [TestSpec(test, 3, role.labels, role=role.name, heads=role.heads) for test in tests + outputs]
    if len(role.heads) > 1:
        parts = ["support.member", "support.member_content"] + (["support.output_part"] if outputs else [])
        specs += [_of_head(test, 3, role, head) for test in parts for head in role.heads]
    return specs


def _weights(claim: Claim, config: ModelConfig) -> list[TestSpec]:
    """What the weights of each head and each receiver must show."""
    kind = config.positional_embedding_type
    specs = []
    for role in claim.roles:
        for head in role.heads:
            if role.writes_to == OUTPUT:
                specs.append(replace(_of_head("mechanism.ov", 4, role, head), approximate=not config.attn_only))
            if LOOKS[role.signature].by == "token":
                specs.append(replace(_of_head("mechanism.qk", 4, role, head), approximate=not config.attn_only))
            if LOOKS[role.signature].by == "position":
                # Positions read off a table are exact; a kernel averaged over content, or positions that went through
                # a layer, are not.
                exact = kind == "shortformer" or (kind not in RELATIVE and head[0] == 0)
                specs.append(replace(_of_head("mechanism.positional", 4, role, head), approximate=not exact))
    for edge in claim.edges:
        senders, receivers = claim.ends(edge)
        made = [_of_edge("mechanism.routed_qk", 4, claim, edge, senders, [receiver]) for receiver in receivers]
        specs += [replace(spec, approximate=not config.attn_only) for spec in made]
    return specs


def _of_head(test: str, rung: Rung, role: Role, head: Head) -> TestSpec:
    return TestSpec(test, rung, head_label(head), role=role.name, heads=(head,))


def _to_later(role: Role, head: Head) -> TestSpec:
    """The attribution of a role without named readers, to the input of the later head that looks where it should."""
    into = LOOKS[role.signature].read_through
    subject = f"{head_label(head)} → {LATER}.{into}"
    return TestSpec("contribution.edge", 2, subject, role=role.name, heads=(head,), into=into)


def _of_edge(
    test: str, rung: Rung, claim: Claim, edge: Edge, senders: Sequence[Head], receivers: Sequence[Head]
) -> TestSpec:
    subject = f"{labels(senders)} → {labels(receivers)}.{edge.into}"
    return TestSpec(
        test, rung, subject, role=edge.sender, heads=tuple(senders), receivers=tuple(receivers), into=edge.into
    )


def find_claim(name: str) -> Claim:
    """A claim by name; ClaimError with near names if there is none."""
    if name not in CLAIMS:
        raise ClaimError(f"no claim {name!r}; known are {', '.join(CLAIMS)}.{near(name, CLAIMS)}")
    return CLAIMS[name]


def parse_heads(text: str) -> tuple[str, tuple[Head, ...]]:
    """`induction=1.4,1.10` as ("induction", ((1, 4), (1, 10))); a1.h4 is 1.4. Raises ClaimError on anything else."""
    name, found, listed = text.partition("=")
    pieces = [piece.strip() for piece in listed.split(",")]
    heads = [re.fullmatch(r"([0-9]{1,9})\.([0-9]{1,9})|a([0-9]{1,9})\.h([0-9]{1,9})", piece) for piece in pieces]
    if not found or not name.strip() or not all(heads):
        raise ClaimError(
            f"heads are given as ROLE=LAYER.HEAD[,LAYER.HEAD…], for example induction=1.4,1.10; not {text!r}"
        )
    numbers = ([int(number) for number in head.groups() if number is not None] for head in heads if head is not None)
    return name.strip(), tuple((layer, head) for layer, head in numbers)
