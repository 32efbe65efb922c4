"""Editable installs, in each of the ways that setuptools has to make one."""

from __future__ import annotations

import pytest

SHOW = "import paddlevideo.modeling as m; print(*m.paddlevideo.TRACE, sep='\\n')"


@pytest.mark.parametrize("mode", ["lenient", "strict", "compat"])
def test_editable_install_acts_and_uninstall_leaves_nothing(mode, builder, checkout, site):
    before = builder.listing()
    builder.install("--config-settings", f"editable_mode={mode}", "--editable", checkout)
    try:
        # read in the order of their names: first the one that makes the package importable
        start_up = sorted(path.name for path in builder.site_packages.glob("*.pth") if "ctrgcn" in path.name)
        assert [name.split(".")[0] for name in start_up] == ["__editable__", "ctrgcn_plugin"]
        assert (builder.site_packages / "ctrgcn_plugin.start").is_file()

        done = builder.run(SHOW, path=[site.folder], plugins="extra")
        assert (done.status, done.errors) == (0, "")
        assert done.lines == ["modeling begins", "modeling ends", "extra called"]

        done = builder.run("from ctrgcn_plugin.resources import folder; print(folder('configs'), folder('patches'))")
        assert done.lines == [f"{checkout / 'configs'} {checkout / 'patches'}"]
    finally:
        builder.uninstall()
    assert builder.listing() == before
