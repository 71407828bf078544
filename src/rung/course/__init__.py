"""Checkers of the course: each runs what the learner chose on models whose truth is known, and names the mistake."""

from .lift import LiftChoice, check_lift
from .plan import PlanChoice, check_plan
from .result import Case, CheckResult

__all__ = ["Case", "CheckResult", "LiftChoice", "PlanChoice", "check_lift", "check_plan"]
