"""What is claimed: a task, roles that heads fill, and edges between roles. Named before the confirming data is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..circuits.composition import Into
from ..circuits.heads import Head, head_label
from ..config import ModelConfig
from ..engine.sites import check_head
from ..errors import ClaimError, near
from ..tasks.induction import Corrupted

Signature = Literal["previous_token", "induction"]
"""Where a role's heads look: one back, or at the token after the earlier occurrence."""
Build = Literal["positional", "copying"]
"""What a role's weights must show: a QK that looks one back, or an OV that copies."""
OUTPUT = "output"
TASKS = ("repeated random tokens",)
"""The tasks that the ladder can run."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A job in the circuit, and the heads said to do it."""

    name: str
    job: str
    """In words: what it moves where."""
    signature: Signature
    writes_to: str
    """The output, or the role that reads it."""
    corrupted: Corrupted
    """The token whose loss this role's output must be able to mend (denoising)."""
    build: Build
    heads: tuple[Head, ...] = ()

    @property
    def labels(self) -> str:
        """Its heads, as people write them."""
        return ", ".join(map(head_label, self.heads))


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What `sender` writes is read by `receiver` through its queries, keys or values, directly."""

    sender: str
    receiver: str
    into: Into


@dataclass(frozen=True, kw_only=True)
class Claim:
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

    @property
    def complete(self) -> bool:
        """Whether every role is filled."""
        return all(role.heads for role in self.roles)

    def with_heads(self, heads: Mapping[str, Iterable[Head]]) -> Claim:
        """The claim with some roles filled. Raises ClaimError for a role it does not have."""
        for name in heads:
            self.role(name)
        roles = tuple(
            replace(role, heads=tuple(dict.fromkeys(heads[role.name]))) if role.name in heads else role
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
        if self.task not in TASKS:
            raise ClaimError(
                f"the task {self.task!r} is not known; known are {', '.join(TASKS)}.{near(self.task, TASKS)}"
            )
        if len(set(names)) < len(names) or not names:
            raise ClaimError(f"a claim needs roles, each with a name of its own; these are {names}")
        if all(role.writes_to != OUTPUT for role in self.roles):
            raise ClaimError(f"no role of {self.name!r} writes to the output, so nothing would explain the behaviour")
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
            if role.signature == "induction" and role.name not in {edge.receiver for edge in self.edges}:
                raise ClaimError(f"{role.name} matches by what another role wrote, and no edge leads to it")

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
    task="repeated random tokens",
    roles=(
        Role(
            name="previous_token",
            job="writes into B's position that A came before it",
            signature="previous_token",
            writes_to="induction",
            corrupted="A",
            build="positional",
        ),
        Role(
            name="induction",
            job="finds the position whose predecessor was A, and copies its token",
            signature="induction",
            writes_to=OUTPUT,
            corrupted="B",
            build="copying",
        ),
    ),
    edges=(Edge(sender="previous_token", receiver="induction", into="K"),),
)
"""On … A B … A the model predicts B: route, match, copy (Olsson et al. 2022, arXiv:2209.11895)."""

CLAIMS: Mapping[str, Claim] = {"induction": INDUCTION}
"""The claims that Rung knows by name."""


def find_claim(name: str) -> Claim:
    """A claim by name; ClaimError with near names if there is none."""
    if name not in CLAIMS:
        raise ClaimError(f"no claim {name!r}; known are {', '.join(CLAIMS)}.{near(name, CLAIMS)}")
    return CLAIMS[name]


def parse_heads(text: str) -> tuple[str, tuple[Head, ...]]:
    """`induction=1.4,1.10` as ("induction", ((1, 4), (1, 10))). Raises ClaimError on anything else."""
    name, found, listed = text.partition("=")
    pieces = [piece.strip() for piece in listed.split(",")]
    if not found or not name.strip() or not all(re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", piece) for piece in pieces):
        raise ClaimError(
            f"heads are given as ROLE=LAYER.HEAD[,LAYER.HEAD…], for example induction=1.4,1.10; not {text!r}"
        )
    return name.strip(), tuple((int(layer), int(head)) for layer, head in (piece.split(".") for piece in pieces))
