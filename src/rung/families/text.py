"""What configs say about tokens."""


def bos_or_none(bos: int | None, vocab: int) -> tuple[int | None, tuple[str, ...]]:
    """The first token's id, or none and a note when the config's lies outside the vocabulary."""
    if bos is None or 0 <= bos < vocab:
        return bos, ()
    return None, (f"bos_token_id {bos} is outside the vocabulary of {vocab}: no first token is put",)
