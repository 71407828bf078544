"""Exit codes, and errors as one line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

from ..errors import RungError

BAD_INPUT = 2
INTERRUPTED = 130


class Commands(TyperGroup):
    """Turns errors caused by invalid input into one line on stderr and an exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name or "rung", **extra)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except RungError as error:
            code = complain(str(error))
        except OSError as error:
            code = complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except Exception as error:
            code = exit_code(error)
        sys.exit(code if isinstance(code, int) else 0)


def exit_code(error: Exception) -> int:
    """The exit code of an exception of typer; any other exception is a bug in Rung and is raised again."""
    code: int | None = getattr(error, "exit_code", None)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if code is None:
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":  # `rung`, or `rung bench`, alone
        from ..views.terminal import write

        write(f"{error.format_message()}\n")  # type: ignore[attr-defined]
        return 0
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "rung"
        return complain(f"{error.format_message()} (see {command} --help)")
    return code


def complain(message: str) -> int:
    """Writes the message as one line on stderr, and returns the exit code of invalid input."""
    from ..views.terminal import write

    write(f"rung: {' '.join(message.split())}\n", sys.stderr)
    return BAD_INPUT
