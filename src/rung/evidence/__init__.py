"""The ladder: claims about circuits, tests with controls and floors, verdicts that never say more than they show."""
