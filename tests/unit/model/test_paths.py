"""Where fetched models are kept."""

from pathlib import Path

import pytest

from rung.model import paths


def test_home_is_the_platforms_unless_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNG_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(paths.sys, "platform", "linux")
    assert paths.rung_home() == tmp_path / "rung"
    monkeypatch.setattr(paths.sys, "platform", "darwin")
    assert paths.rung_home().parts[-3:] == ("Library", "Caches", "rung")
    monkeypatch.setenv("RUNG_HOME", str(tmp_path / "mine"))
    assert paths.fetched_folder() == tmp_path / "mine" / "models"


def test_what_is_half_there_is_not_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNG_HOME", str(tmp_path))
    assert paths.fetched_names() == []
    for name in ("whole", ".partial", "empty"):
        (tmp_path / "models" / name).mkdir(parents=True)
    for name in ("whole", ".partial"):
        (tmp_path / "models" / name / "config.json").write_text("{}")
    assert paths.fetched_names() == ["whole"]
