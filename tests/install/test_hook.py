"""When the start-up hook acts, on whom, how often, and what it leaves alone."""

from __future__ import annotations

import shutil
from itertools import permutations

import pytest

REGISTRIES = ("modeling", "loader", "metrics", "solver")
# what ran, in its order
SHOW = "import paddlevideo.modeling as m; print(*m.paddlevideo.TRACE, sep='\\n')"


def assert_ours_was_tried(done):
    """It wants Paddle and the libraries that we depend on, none of which is there, and must say so."""
    assert done.errors
    for line in done.errors.splitlines():
        assert "PaddleVideo plugin 'ctrgcn' (ctrgcn_plugin.plugin:register) failed: " in line
        assert "PADDLEVIDEO_PLUGINS=0" in line


def test_bare_start_is_silent(installed):
    done = installed.run("pass")
    assert (done.status, done.lines, done.errors) == (0, [], "")


@pytest.mark.parametrize("order", list(permutations(REGISTRIES, 2)), ids="-".join)
def test_plugin_is_called_once_when_the_first_registries_are_complete(order, installed, site):
    first, second = order
    done = installed.run(
        f"""
        import paddlevideo.{first}, paddlevideo.{second}
        print(*paddlevideo.TRACE, sep="\\n")
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines == [
        f"{first} begins",
        f"{first} ends",
        "extra called",
        f"{second} begins",
        f"{second} ends",
    ]


def test_plugin_may_import_all_registries(installed, site):
    site.add_plugin(
        "greedy",
        """
        def register():
            import paddlevideo.loader, paddlevideo.metrics, paddlevideo.modeling, paddlevideo.solver
            paddlevideo.modeling.registry.CONTENT["Model"] = object
            paddlevideo.TRACE.append("greedy called")
        """,
    )
    done = installed.run(
        "import paddlevideo.solver; print(*paddlevideo.TRACE, sep='\\n')", path=[site.folder], plugins="greedy"
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines[:2] == ["solver begins", "solver ends"]
    assert done.lines[-1] == "greedy called"
    assert len(done.lines) == 9


def test_several_plugins(installed, site):
    site.add_plugin("more")
    done = installed.run(SHOW, path=[site.folder], plugins="more, extra")
    assert (done.status, done.errors) == (0, "")
    assert sorted(done.lines[2:]) == ["extra called", "more called"]


@pytest.mark.parametrize("setting", ["0", " 0 "])
def test_switched_off(setting, installed, site):
    code = f"{SHOW}; import sys; print([f for f in sys.meta_path if getattr(f, '__module__', '').startswith('ctrgcn')])"
    done = installed.run(code, path=[site.folder], plugins=setting)
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["modeling begins", "modeling ends", "[]"]


def test_allow_list_of_ours_leaves_the_others_out(installed, site):
    done = installed.run(SHOW, path=[site.folder], plugins="ctrgcn")
    assert done.status == 0
    assert done.lines[:2] == ["modeling begins", "modeling ends"]
    assert "extra called" not in done.lines
    assert_ours_was_tried(done)


def test_allow_list_of_another_leaves_ours_out(installed, site):
    done = installed.run(
        f"{SHOW}; import sys; print([name for name in sys.modules if name in ('ctrgcn_plugin.plugin', 'paddle')])",
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines[2:] == ["extra called", "[]"]


@pytest.mark.parametrize("setting", [None, "", " "])
def test_unset_switch_allows_all(setting, installed, site):
    done = installed.run(SHOW, path=[site.folder], plugins=setting)
    assert done.status == 0
    assert done.lines[:2] == ["modeling begins", "modeling ends"]
    assert done.lines.count("extra called") == 1
    assert_ours_was_tried(done)


@pytest.mark.parametrize(
    ("body", "target", "cause"),
    [
        ("raise RuntimeError('no luck')", None, "RuntimeError: no luck"),
        ("def register(): raise RuntimeError('no luck')", None, "RuntimeError: no luck"),
        ("import no_such_module", None, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", None, "AttributeError: module 'bad_plugin' has no attribute 'register'"),
        ("", "no_such_module:register", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("register = 1", None, "TypeError: 'int' object is not callable"),
        ("def register(argument): pass", None, "TypeError: register() missing 1 required positional argument"),
        ("def register(:", None, "SyntaxError: "),
        ("def register(): raise SystemExit(3)", None, "SystemExit: 3"),
    ],
    ids=["import", "call", "dependency", "attribute", "module", "callable", "arguments", "syntax", "exit"],
)
def test_failing_plugin_is_reported_and_left_out(body, target, cause, installed, site):
    site.add_plugin("bad", body, target)
    done = installed.run(SHOW, path=[site.folder], plugins="bad,extra")
    assert done.status == 0
    assert done.lines == ["modeling begins", "modeling ends", "extra called"]
    (line,) = done.errors.splitlines()
    assert f"plugin 'bad' ({target or 'bad_plugin:register'}) failed: {cause}" in line
    assert "PADDLEVIDEO_PLUGINS=0" in line


def test_unreadable_metadata_of_another_distribution_breaks_nothing(installed, site):
    (site.folder / "broken-1.0.dist-info").mkdir()
    (site.folder / "broken-1.0.dist-info" / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (site.folder / "broken-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n")
    done = installed.run(SHOW, path=[site.folder], plugins="extra")
    assert done.status == 0
    assert done.lines[:2] == ["modeling begins", "modeling ends"]
    assert "extra called" in done.lines or "PADDLEVIDEO_PLUGINS=0" in done.errors


def test_acting_twice_is_acting_once(installed, site):
    done = installed.run(
        f"""
        import importlib, sys
        import ctrgcn_plugin.autoload as autoload
        autoload.install()
        autoload.install()
        print(sys.meta_path.count(autoload.Watcher))
        import paddlevideo.modeling
        autoload.install()
        from ctrgcn_plugin import discovery
        discovery.begin()
        discovery.load_plugins()
        importlib.reload(paddlevideo.modeling)
        {SHOW}
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines[0] == "1"
    assert done.lines.count("extra called") == 1


def test_both_start_up_files_act_once(installed, site):
    # the interpreter here reads the .pth; do what one of PEP 829 does with the other
    entry_point = (installed.site_packages / "ctrgcn_plugin.start").read_text().strip()
    done = installed.run(
        f"""
        import pkgutil
        pkgutil.resolve_name({entry_point!r})()
        {SHOW}
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines.count("extra called") == 1


@pytest.mark.parametrize("flags", [["-I"], ["-E"], ["-s"], ["-O"], ["-OO"], ["-I", "-E", "-s", "-O"], ["-B", "-u"]])
def test_interpreter_flags(flags, installed, site):
    done = installed.run(f"import sys; sys.path.append({str(site.folder)!r}); {SHOW}", *flags, plugins="extra")
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["modeling begins", "modeling ends", "extra called"]


class TestExplicitImport:
    """Where no start-up file is read, ``import ctrgcn_plugin.autoload`` does what it does."""

    CODE = f"import ctrgcn_plugin.autoload; {SHOW}"

    def check(self, done):
        assert (done.status, done.errors) == (0, "")
        assert done.lines == ["modeling begins", "modeling ends", "extra called"]

    def test_no_site(self, installed, site):
        code = f"import sys; sys.path[:0] = [{str(site.folder)!r}, {str(installed.site_packages)!r}]; {self.CODE}"
        self.check(installed.run(code, "-S", plugins="extra"))

    def test_target_install(self, new_environment, wheel, site, tmp_path):
        environment = new_environment()
        environment.install("--target", tmp_path / "target", wheel)
        self.check(environment.run(self.CODE, path=[tmp_path / "target", site.folder], plugins="extra"))

    def test_zipped_wheel(self, new_environment, wheel, site):
        self.check(new_environment().run(self.CODE, path=[wheel, site.folder], plugins="extra"))

    @pytest.fixture
    def source(self, checkout, tmp_path):
        """The package on its own, without the metadata that an installation has."""
        shutil.copytree(checkout / "ctrgcn_plugin", tmp_path / "source" / "ctrgcn_plugin")
        return tmp_path / "source"

    def test_without_metadata(self, new_environment, source, site):
        environment = new_environment()
        self.check(environment.run(self.CODE, path=[source, site.folder], plugins="extra"))
        # our own plugin has no entry point there and is called all the same
        done = environment.run(self.CODE, path=[source, site.folder], plugins="ctrgcn")
        assert done.status == 0
        assert_ours_was_tried(done)

    @pytest.mark.parametrize("early", ["paddlevideo", *(f"paddlevideo.{name}" for name in REGISTRIES)])
    def test_paddlevideo_was_imported_before(self, early, new_environment, source, site):
        done = new_environment().run(
            f"""
            import {early}
            import ctrgcn_plugin.autoload
            before = list(paddlevideo.TRACE)
            import paddlevideo.modeling
            print(before, paddlevideo.TRACE.count("extra called"))
            """,
            path=[source, site.folder],
            plugins="extra",
        )
        assert (done.status, done.errors) == (0, "")
        name = early.rpartition(".")[2]
        at_once = [] if early == "paddlevideo" else [f"{name} begins", f"{name} ends", "extra called"]
        assert done.lines == [f"{at_once} 1"]


def test_user_site(base, new_environment, wheel, site, tmp_path):
    folder = base.run("import site; print(site.getusersitepackages())", PYTHONUSERBASE=tmp_path / "user").lines[0]
    # what pip install --user does, but for asking the distribution's permission
    new_environment().install("--target", folder, wheel)
    done = base.run(SHOW, path=[site.folder], plugins="extra", PYTHONUSERBASE=tmp_path / "user")
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["modeling begins", "modeling ends", "extra called"]
    without = base.run(SHOW, "-s", path=[site.folder], plugins="extra", PYTHONUSERBASE=tmp_path / "user")
    assert without.lines == ["modeling begins", "modeling ends"]


def test_hooked_module_keeps_its_own_loader(installed, site):
    done = installed.run(
        """
        import inspect, pkgutil
        import paddlevideo.modeling as module
        print(type(module.__loader__).__name__, module.__spec__.loader is module.__loader__)
        print("modeling begins" in inspect.getsource(module), inspect.getsourcefile(module) == module.__file__)
        print(pkgutil.get_data("paddlevideo.modeling", "registry.py"))
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["SourceFileLoader True", "True True", "b'CONTENT = {}\\n'"]


def test_looking_for_paddlevideo_does_no_harm(installed, site):
    done = installed.run(
        f"""
        import importlib.util, sys
        print(importlib.util.find_spec("paddlevideo").origin.endswith("__init__.py"), "paddlevideo" in sys.modules)
        print(importlib.util.find_spec("paddlevideo.modeling").origin.endswith("__init__.py"))
        {SHOW}
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["True False", "True", "modeling begins", "modeling ends", "extra called"]


def test_absent_paddlevideo_stays_absent(installed):
    done = installed.run(
        """
        import importlib.util
        print(importlib.util.find_spec("paddlevideo"))
        try:
            import paddlevideo
        except ModuleNotFoundError as error:
            print(error)
        """,
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["None", "No module named 'paddlevideo'"]


def test_failing_module_of_upstream_fails_as_without_us(installed, site):
    (site.folder / "paddlevideo" / "modeling" / "registry.py").write_text("raise RuntimeError('upstream is broken')\n")
    done = installed.run(
        """
        import paddlevideo
        try:
            import paddlevideo.modeling
        except RuntimeError as error:
            print(error, paddlevideo.TRACE)
        import paddlevideo.loader
        print(paddlevideo.TRACE[-1])
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines == ["upstream is broken ['modeling begins']", "extra called"]


def test_each_process_has_its_plugins(installed, site):
    done = installed.run(
        """
        import subprocess, sys
        import paddlevideo.modeling
        code = "import paddlevideo.loader; print(paddlevideo.TRACE)"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        """,
        path=[site.folder],
        plugins="extra",
    )
    assert (done.status, done.errors) == (0, "")
    assert done.lines[0] == "['loader begins', 'loader ends', 'extra called']"
