"""The lab: a local page over a model that runs live. It computes nothing itself; every number is the library's."""
