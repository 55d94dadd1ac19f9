"""Tables of numbers as text: which column is what, how numbers become intensities, and what is refused."""

import csv

import numpy as np
import pytest
from sklearn.datasets import load_iris

from datasets.helpers import damaged
from spikelearn.datasets import load, load_csv
from spikelearn.datasets.dataset import for_testing
from spikelearn.errors import InputError, InputWarning
from spikelearn.scaling import Scaling


def written(path, rows, delimiter=","):
    with open(path, "w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


PLAIN = [["0.1", "0.9", "a"], ["0.2", "0.8", "b"], ["0.3", "0.7", "a"], ["0.4", "0.6", "b"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_without_names_the_last_column_is_the_class(tmp_path, delimiter):
    found = load(written(tmp_path / "t.csv", PLAIN, delimiter))
    assert (found.name, len(found.train), len(found.test), found.train.n_classes) == ("t.csv", 3, 1, 2)
    np.testing.assert_array_equal(found.test.x, np.float32([[0.1, 0.9]]))
    np.testing.assert_array_equal(found.train.x, np.float32([[0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]))
    assert (found.test.y.tolist(), found.train.y.tolist()) == ([0], [1, 0, 1])


@pytest.mark.parametrize("name", ["class", "Label", "TARGET"])
def test_a_column_may_be_named_as_the_class(tmp_path, name):
    rows = [[name, "left", "right"], *([label, x, y] for x, y, label in PLAIN)]
    assert load(written(tmp_path / "t.csv", rows)).digests() == load(written(tmp_path / "p.csv", PLAIN)).digests()


def test_of_other_names_the_last_is_the_class_or_one_that_is_said(tmp_path):
    path = written(tmp_path / "t.csv", [["left", "right", "kind"], *PLAIN])
    assert load(path).digests() == load(written(tmp_path / "p.csv", PLAIN)).digests()
    numbers = written(tmp_path / "n.csv", [["left", "kind", "right"], *([x, label, y] for x, y, label in PLAIN)])
    assert load_csv(numbers, label="kind").digests() == load(path).digests()


def test_numbers_as_names_of_columns_are_names_if_the_class_is_named(tmp_path):
    path = written(tmp_path / "t.csv", [["0", "1", "class"], *PLAIN])
    assert load(path).digests() == load(written(tmp_path / "p.csv", PLAIN)).digests()


def test_quotes_blanks_empty_lines_and_a_byte_order_mark_do_not_matter(tmp_path):
    text = '\ufeff"a b", right, class\r\n\r\n 0.1, 0.9, "a"\r\n0.2,0.8,b\r\n0.3,0.7,a \r\n,,\r\n0.4,0.6,b'
    (tmp_path / "t.CSV").write_text(text, encoding="utf-8")
    assert load(tmp_path / "t.CSV").digests() == load(written(tmp_path / "p.csv", PLAIN)).digests()


def test_classes_are_numbered_by_value_or_else_by_the_alphabet(tmp_path):
    rows = [["0", label] for label in ("10", "9", "10", "9", "-1", "-1")]
    assert load(written(tmp_path / "t.csv", rows)).train.y.tolist() == [2, 1, 1, 0]
    rows = [["0", label] for label in ("x10", "x9", "x10", "x9")]
    assert load(written(tmp_path / "t.csv", rows)).train.y.tolist() == [1, 0, 1]


def test_columns_are_scaled_by_the_training_part_as_by_the_classifier(tmp_path):
    x, y = load_iris(return_X_y=True)
    rows = [[*map(repr, row), f"kind {k}"] for row, k in zip(x.tolist(), y, strict=True)]
    found, for_test = load(written(tmp_path / "iris.csv", rows)), for_testing(y, "iris")
    scaling = Scaling.of(x[~for_test])
    for part, of in ((found.train, ~for_test), (found.test, for_test)):
        np.testing.assert_array_equal(part.x, scaling.intensities(x[of]))
        np.testing.assert_array_equal(part.y, y[of])
    assert found.train.x.min(axis=0).tolist() == [0] * 4 and found.train.x.max(axis=0).tolist() == [1] * 4


def test_all_columns_may_have_one_scale(tmp_path):
    path = written(tmp_path / "t.csv", [["0", "51", "a"], ["255", "102", "b"], ["0", "51", "a"]])
    with pytest.warns(InputWarning, match="only one example of class 'b'"):
        found = load(path, scale=255)
    np.testing.assert_array_equal(found.train.x, np.float32([[1, 0.4], [0, 0.2]]))
    with pytest.warns(InputWarning), pytest.raises(InputError, match="within 0..100"):
        load(path, scale=100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv has 0 columns"),
        ("1\n2\n", "has 1 columns; must have one of numbers and one of classes at least"),
        ("left,right,class\n", "has no line of numbers"),
        ("1,2,a\n1,2\n", "line 2: 2 columns, but 3 in the first line"),
        ("1,2,a\n\n1,2,b,4\n", "line 3: 4 columns, but 3 in the first line"),
        ("left,class,right\n1,a,x\n", "line 2, column 'right': 'x' is no finite number; write one, or leave the line"),
        ("1,2,a\n1,,b\n", "line 2, column '2': '' is no finite number"),
        ("1,2,a\n1,nan,b\n", "line 2, column '2': 'nan' is no finite number"),
        ("1,2,a\n1,inf,b\n", "line 2, column '2': 'inf' is no finite number"),
        ('1;2;a\n"1,5";2;b\n', "line 2, column '1': '1,5' is no finite number"),
        ("1,2,a\n1,2,\n", "line 2: no class in column '3'; fill it in"),
        (",left,class\n0,1,a\n", "column 1 has no name; leave it out, or give it one"),
        ("class,left,label\na,1,b\n", r"the classes may be in 'class' and 'label'; name one with load_csv\(label=\)"),
        ("1,2,a\n1,2,b\n", "2 examples, one of each class, cannot be divided"),
        ('1,2,a\n1,"2,b\n', "cannot be read as a table .*; save it as CSV, in UTF-8"),
        (b"1,2,a\n1,2,\xff\n", "cannot be read as a table .*utf-8"),
        (b"PK\x03\x04\x00\x00", "has 1 columns|cannot be read as a table"),
    ],
)
def test_broken_tables_are_refused_with_the_place(tmp_path, text, message):
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        load(tmp_path / "t.csv")


def test_a_file_or_a_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv is no file; give the path of a table"):
        load_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match="has no column 'specie'; did you mean 'species'"):
        load_csv(written(tmp_path / "t.csv", [["left", "species"], ["1", "a"]]), label="specie")
    with pytest.raises(InputError, match="has no names of columns, so none is 'species'; write them in its first line"):
        load_csv(written(tmp_path / "t.csv", PLAIN), label="species")


@pytest.mark.filterwarnings("ignore::spikelearn.errors.InputWarning")
def test_damaged_tables_are_refused_or_harmless(tmp_path):
    good, rng = written(tmp_path / "t.csv", [["left", "right", "class"], *PLAIN]).read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        (tmp_path / "t.csv").write_bytes(damaged(good, rng))
        try:
            found = load(tmp_path / "t.csv")
            assert np.isfinite(found.train.x).all()
        except InputError:
            refused += 1
    assert 100 < refused < 300
