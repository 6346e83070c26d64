import csv
import io

from jaxbnn.files import tables

ROWS = [["name", "I(X;T) [bit]"], ["a_b & 5 %", '1,5 "±" 0.1'], ["x|y\\z", "< {2}^3"]]


def test_markdown_keeps_its_columns():
    assert tables.markdown(ROWS).splitlines() == [
        "| name | I(X;T) [bit] |",
        "| --- | --- |",
        '| a_b & 5 % | 1,5 "±" 0.1 |',
        "| x/y\\z | < {2}^3 |",
    ]


def test_csv_reads_back():
    assert list(csv.reader(io.StringIO(tables.comma_separated(ROWS)))) == ROWS


def test_latex_escapes_what_it_would_read():
    assert tables.latex(ROWS).splitlines() == [
        r"\begin{tabular}{ll}",
        r"\toprule",
        r"name & I(X;T) [bit] \\",
        r"\midrule",
        r'a\_b \& 5 \% & 1,5 "$\pm$" 0.1 \\',
        r"x|y\textbackslash{}z & \textless{} \{2\}\textasciicircum{}3 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_table_is_written_as_csv_and_latex(tmp_path):
    tables.write_table(tmp_path, "claims", ROWS)
    assert (tmp_path / "claims.csv").read_text() == tables.comma_separated(ROWS)
    assert (tmp_path / "claims.tex").read_text() == tables.latex(ROWS)
    tables.write_table(tmp_path, "claims", ROWS[:1])
    assert len((tmp_path / "claims.csv").read_text().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.csv", "claims.tex"]
