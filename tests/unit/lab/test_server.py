import socket
import sys

import pytest

from rung.errors import RungError
from rung.lab import server
from rung.lab.security import Access
from rung.lab.server import Options, address, has_browser, is_loopback, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_loopback_needs_no_names(host):
    assert is_loopback(host)
    Options(host=host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.3", "lab.example.org", "127.0.0.1.example.org"])
def test_off_this_machine_names_must_be_given(host):
    assert not is_loopback(host)
    with pytest.raises(RungError, match=r"say under which names they may open it, as in --name lab.example.org"):
        Options(host=host).check()
    Options(host=host, names=("lab.example.org",)).check()
    with pytest.raises(RungError, match=r"'\*' is no host name"):
        Options(host=host, names=("*",)).check()


def test_a_port_that_is_taken_is_an_error_and_without_one_the_next_is_tried(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RungError, match=f"port {port} is taken or not allowed; choose another with --port"):
            listen("127.0.0.1", port)
        monkeypatch.setattr(server, "FIRST_PORT", port)
        monkeypatch.setattr(server, "PORTS", 1)
        with listen("127.0.0.1", None) as other:
            assert other.getsockname()[1] != port
            assert other.getsockname()[0] == "127.0.0.1"


def test_an_address_that_is_not_this_machines_is_an_error():
    with pytest.raises(RungError, match="the lab cannot listen on"):
        listen("198.51.100.7", 0)
    with pytest.raises(RungError, match=r"the lab cannot listen on nowhere.invalid"):
        listen("nowhere.invalid", 0)


def test_the_address_holds_the_token():
    access = Access(7864, token="abc")
    assert address(Options(), access) == "http://127.0.0.1:7864/?token=abc"
    assert address(Options(host="::1"), access) == "http://[::1]:7864/?token=abc"
    off = Options(host="0.0.0.0", names=("lab.example.org", "other"))
    assert address(off, access) == "http://lab.example.org:7864/?token=abc"


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac always has a window")
def test_a_browser_is_opened_only_where_there_is_a_window(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_browser()
