import torch

from rung.methods import diagnosis
from rung.methods.diagnosis import diagnose, engine_check


def test_a_sound_installation_has_no_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "not" / "there" / "yet"))
    found = diagnose()
    assert found.ok
    assert {"rung", "torch", "threads", "devices", "caches", "models", "engine"} <= {c.name for c in found.checks}
    assert not (tmp_path / "not").exists(), "looking changes nothing"


def test_the_engine_check_catches_a_wrong_engine(monkeypatch):
    real, calls = diagnosis.forward, []

    def drifting(*arguments):
        calls.append(arguments)
        return real(*arguments) + 1e-6 * len(calls)

    assert engine_check().outcome == "ok"
    monkeypatch.setattr(diagnosis, "forward", drifting)
    assert engine_check().outcome == "fault"


def test_a_home_that_cannot_be_written_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "file" / "home"))
    check = next(check for check in diagnose().checks if check.name == "caches")
    assert (check.outcome, check.advice) == ("fault", "set RUNG_HOME to a writable folder")


def test_more_threads_than_cores_is_a_note(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    check = next(check for check in diagnose().checks if check.name == "threads")
    assert check.outcome == "note"
