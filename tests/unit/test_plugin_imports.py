"""A package that misbehaves while it is imported does not take the command down without being named."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lgsid import entry_points, plugin_imports, plugins

NAMED = "rude-plugin 0.3"
GOOD = """
from lgsid.pipeline.command import command

@command()
def greet() -> str:
    "Say hello."
    return "hello"
"""


@pytest.fixture
def site(tmp_path):
    """Return a function that installs a package whose module has the given source, and the environment that sees it."""

    def install(source, entries="greet = rude_plugin:greet", metadata=None, group="lgsid.commands"):
        info = tmp_path / "rude_plugin-0.3.dist-info"
        info.mkdir()
        default = b"Metadata-Version: 2.1\nName: rude-plugin\nVersion: 0.3\n"
        if metadata != b"":
            (info / "METADATA").write_bytes(default if metadata is None else metadata)
        text = entries if isinstance(entries, bytes) else f"[{group}]\n{entries}\n".encode()
        (info / "entry_points.txt").write_bytes(text)
        (tmp_path / "rude_plugin.py").write_text(textwrap.dedent(source))
        return {**os.environ, "PYTHONPATH": str(tmp_path)}

    return install


def run(environment, *words, **options):
    code = "import sys; from lgsid.cli import main; main(sys.argv[1:])"
    options = {"capture_output": True, "text": True, "check": False, "timeout": 60, **options}
    return subprocess.run([sys.executable, "-c", code, *words], env=environment, **options)


RUDE = {
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "base": ("class Odd(BaseException): pass\nraise Odd('so')", "Odd: so"),
    "exit": ("raise SystemExit(0)", "SystemExit"),
    "leave": ("import os; os._exit(0)", "os._exit(0)"),
    "leave_by_name": ("from os import _exit; _exit(3)", "os._exit(3)"),
    "generator": ("raise GeneratorExit", "GeneratorExit"),
    "mute": ("class Mute(Exception):\n  def __str__(self): raise RuntimeError\nraise Mute", "Mute"),
    "deep": ("def f(): f()\nf()", "RecursionError"),
    "typo": ("this is no Python", "SyntaxError"),
    "memory": ("raise MemoryError", "MemoryError"),
}


def test_the_command_goes_on_without_those_that_raise(site):
    environment = site(GOOD, "\n".join(f"{name} = rude_{name}:greet" for name in ("plugin", *RUDE)))
    for name, (source, _) in RUDE.items():
        Path(environment["PYTHONPATH"], f"rude_{name}.py").write_text(source)
    done = run(environment, "--help")
    assert done.returncode == 0, done.stderr
    assert "tokenize" in done.stdout
    assert "Say hello" in done.stdout
    lines = done.stderr.splitlines()
    for name, (_, said) in RUDE.items():
        [line] = [line for line in lines if f"plugin {name} " in line]
        assert NAMED in line
        assert said in line
    assert len(lines) == len(RUDE)


@pytest.mark.parametrize(
    "source",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.CDLL(None)._exit(0)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_what_ends_the_process_all_the_same_is_named(site, source):
    done = run(site(source), "--help")
    assert f"ended while importing {NAMED}" in done.stderr
    assert "LGSID_PLUGINS" in done.stderr


def test_it_can_be_left_out(site):
    done = run({**site("import os; os.abort()"), "LGSID_PLUGINS": ""}, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tokenize" in done.stdout


@pytest.mark.parametrize("wait", ["time.sleep(2)", "re.match('(a+)+$', 'a' * 23 + 'b')"], ids=["silence", "GIL held"])
def test_a_slow_import_is_named_while_it_lasts(site, monkeypatch, capfd, wait):
    monkeypatch.setattr(plugin_imports, "WAITS_S", (1, 60))
    with plugin_imports.supervised(NAMED):
        exec(f"import re, time; started = time.time()\nwhile time.time() < started + 2: {wait}")
    assert capfd.readouterr().err.count(f"still importing {NAMED} (1 s)") == 1


def test_a_quick_import_is_silent(capfd):
    with plugin_imports.supervised(NAMED):
        pass
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_of_the_user_names_what_hung(site):
    environment = site("print('begun')\nimport time; time.sleep(60)")
    listens = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also when started in the background
    )
    code = f"{listens}; from lgsid.cli import main; main(['--help'])"
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert f"interrupted; it was importing {NAMED}" in said
    assert len(said.splitlines()) == 1


def test_what_it_does_to_the_process_is_undone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    signals = signal.SIGINT, signal.SIGTERM
    handlers, leave = [signal.getsignal(number) for number in signals], os._exit
    with plugin_imports.supervised(NAMED):
        sys.stdout.write("noise\n")
        os.chdir("/")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109
    assert ([signal.getsignal(number) for number in signals], os._exit) == (handlers, leave)
    assert capsys.readouterr() == ("", "noise\n")


def test_a_child_that_it_forks_can_end(site):
    source = (
        "import os\nchild = os.fork()\nif not child: os._exit(7)\nassert os.waitpid(child, 0)[1] >> 8 == 7\n" + GOOD
    )
    done = run(site(source), "greet")
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_a_daemon_that_it_forks_does_not_hold_us(site):
    source = "import os, time\nif not os.fork():\n  os.close(1); os.close(2); time.sleep(20); os._exit(0)\n" + GOOD
    started = time.monotonic()
    assert run(site(source), "greet").stdout == "hello\n"
    assert time.monotonic() - started < 15


def test_packages_without_proper_metadata_are_named_by_their_folders(site, tmp_path):
    odd = {
        "nameless-1": (b"Metadata-Version: 2.1\nVersion: 1\n", b"[lgsid.commands]\nnameless = rude_plugin:greet\n"),
        "empty-1": (b"", b"[lgsid.commands]\nempty = rude_plugin:greet\n"),
        "bytes-1": (b"Name: \xff\xfe\n", b"[lgsid.commands]\nbytes = rude_plugin:greet\n"),
        "none-1": (None, b"[lgsid.commands]\nnone = rude_plugin:greet\n"),
    }
    entries = {
        "syntax": b"[lgsid.commands]\ngreet rude_plugin:greet\n",
        "latin": b"[lgsid.commands]\ngreet = \xff:greet\n",
        "spaces": b"[lgsid.commands]\nspaces = rude plugin:greet\n",
        "blank": b"[lgsid.commands]\nblank =\n",
        "module": b"[lgsid.commands]\nmodule = rude_plugin\n",
        "foreign": b"[pytest11]\nnonsense\n",
    }
    odd |= {name: (f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n".encode(), e) for name, e in entries.items()}
    environment = site("raise OSError('no such device')")
    for name, (metadata, text) in odd.items():
        info = tmp_path / f"{name}.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_bytes(text)
        if metadata is not None:
            (info / "METADATA").write_bytes(metadata)
    done = run(environment, "plugins")
    assert done.returncode == 0
    for name in ("nameless-1", "empty-1", "bytes-1", "none-1"):
        assert f"of {name}.dist-info" in done.stderr
    states = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    for name in ("nameless-1", "empty-1", "bytes-1", "none-1"):
        assert f"{name}.dist-info" in states
    unreadable = "broken: its entry_points.txt cannot be read"
    assert unreadable in states["syntax"]
    assert unreadable in states["latin"]
    assert "broken: 'rude plugin:greet' is not module:name" in states["spaces"]
    assert "broken: '' is not module:name" in next(line for line in states.values() if " blank " in line)
    assert "broken: 'rude_plugin' is not module:name" in states["module"]
    assert "foreign" not in states  # what is wrong there is not our business


def test_a_command_of_our_own_name_stays_ours(site):
    environment = site(GOOD, "plugins = rude_plugin:greet")
    done = run(environment, "plugins", "commands")
    assert done.returncode == 0
    assert "hello" not in done.stdout
    assert NAMED in done.stderr
    assert "lgsid's own is used" in done.stderr


def test_a_kind_whose_base_is_missing(site, monkeypatch, caplog, tmp_path):
    site(GOOD, b"[lgsid.kinds]\nsounds = rude_plugin:Sound\n[lgsid.sounds]\nBeep = rude_plugin:Beep\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.load_kind.cache_clear()
    assert plugins.load_kind("sounds") == {}
    assert NAMED in caplog.text
    assert "rude_plugin:Sound cannot be imported" in caplog.text
    plugins.load_kind.cache_clear()
    sys.modules.pop("rude_plugin", None)


def test_the_check_tells_importable_from_listed(site, monkeypatch):
    names = ("good", "loop", "gone", "dies")
    entries = "[lgsid.kinds]\nsounds = lgsid.pipeline.command:Command\n[lgsid.sounds]\n"
    environment = site(GOOD, (entries + "".join(f"{name} = rude_{name}:greet\n" for name in names)).encode())
    sources = {"good": "print('[0, \"noise\"]')\n" + GOOD, "loop": "while True: pass", "dies": "import os; os.abort()"}
    for name, source in sources.items():
        Path(environment["PYTHONPATH"], f"rude_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(environment["PYTHONPATH"])
    listed = plugins.available("sounds")
    missing = "broken: its module is missing"
    assert {p.name: p.state for p in listed} == {"good": "listed", "loop": "listed", "dies": "listed", "gone": missing}
    monkeypatch.setattr(plugin_imports, "LIMIT_S", 2)
    assert {p.name: p.state for p in plugins.check(listed)} == {
        "good": "importable",
        "loop": "broken: its import takes more than 2 s",
        "gone": missing,
        "dies": "broken: its import ends the process with SIGABRT",
    }


def test_own_commands_are_importable(capsys):
    from lgsid.cli import main

    main(["plugins", "commands", "--check"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "commands"
    assert {line.split()[3] for line in lines[2:]} == {"importable"}


def test_names_are_canonical():
    assert entry_points.normalized("A_b..C-d") == "a-b-c-d"
