import matplotlib.image
import pytest
from matplotlib.figure import Figure

from jaxbnn.files import figures


def test_a_figure_is_written_as_png_and_pdf(tmp_path):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    paths = figures.save_figure(tmp_path, "plane", figure)
    assert paths == [tmp_path / "plane.png", tmp_path / "plane.pdf"]
    assert matplotlib.image.imread(paths[0]).shape[:2] == (figures.DPI, 2 * figures.DPI)
    assert paths[1].read_bytes().startswith(b"%PDF")
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_figure_that_fails_leaves_what_was_there(tmp_path):
    class Broken:
        def savefig(self, path, dpi, format):
            path.write_text("half")
            raise RuntimeError("no figure")

    (tmp_path / "plane.png").write_text("old")
    with pytest.raises(RuntimeError, match="no figure"):
        figures.save_figure(tmp_path, "plane", Broken())
    assert (tmp_path / "plane.png").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["plane.png"]
