"""Each option of the command line with a value that it may not have."""

import pytest

from common.data.cli import main

# option and value as they are typed, what the message holds
WRONG = [
    (["--on_bad_case", "Error"], "--on_bad_case is 'Error', expected error or skip: set another"),
    (["--folds", "0"], "--folds is 0, expected a whole number from 1"),
    (["--folds", "-2"], "--folds is -2, expected a whole number from 1"),
    (["--folds", "five"], "--folds is 'five', expected a whole number from 1"),
    (["--folds", "2.5"], "--folds is 2.5, expected a whole number"),
    (["--folds", "True"], "--folds is True, expected a whole number"),
    (["--seed", "-1"], "--seed is -1, expected a whole number from 0"),
    (["--seed", "x"], "--seed is 'x', expected a whole number"),
    (["--test_fraction", "1"], "--test_fraction is 1, expected a share from 0, below 1"),
    (["--test_fraction", "20%"], "--test_fraction is '20%', expected a share"),
    (["--test_fraction", "-0.1"], "--test_fraction is -0.1, expected a share"),
    (["--labels", "1"], "--labels is 1, expected a list of values, such as 0,1,2"),
    (["--labels", "a,b"], "--labels is ('a', 'b'), expected a list of values"),
    (["--min_slices", "many"], "--min_slices is 'many', expected a whole number from 1"),
    (["--workers", "0"], "--workers is 0, expected a whole number from 1"),
    (["--repair", "no"], "--repair is 'no', expected True or False, with the capital"),
    (["--output", ""], "--output is '', expected a path"),
    (["--output", " "], "--output is ' ', expected a path"),
    (["--output", "7"], "--output is 7, expected a path"),
    (["--count", "0"], "--count is 0, expected a whole number from 1"),
    (["--size", "64"], "--size is 64, expected three whole numbers from 1"),
    (["--size", "64,64,0"], "--size is (64, 64, 0), expected three whole numbers"),
    (["--cuont", "3"], "--cuont is 3, but --source phantom has --count, --size, --lesions: did you mean --count?"),
    (["--mode", "move"], "--mode is 'move', but --source phantom has --count, --size"),
    (["--fold", "3"], "--fold is 3, but --source phantom has --count, --size, --lesions: did you mean --folds?"),
]


@pytest.mark.parametrize(("typed", "message"), WRONG)
def test_a_wrong_option_is_told_before_anything_is_written(typed, message, tmp_path):
    output = [] if "--output" in typed else ["--output", str(tmp_path / "data")]
    with pytest.raises(SystemExit) as error:
        main(["prepare", "--source", "phantom", *output, *typed])
    assert str(error.value).startswith("error: ") and message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    with pytest.raises(SystemExit) as error:
        main(["prepare", "--source", "phantom", "--output", "x", "--folds", "0", "--seed", "x", "--sizes", "3,3,3"])
    assert len(str(error.value).splitlines()) == 3


def test_a_mode_of_the_pairs_is_one_of_two(tmp_path):
    with pytest.raises(SystemExit) as error:
        main(["prepare", "--source", "pairs", "--output", "x", "--input", str(tmp_path), "--mode", "move"])
    assert "--mode is 'move', expected link or copy" in str(error.value)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["check", "--datalist", ""], "--datalist is '', expected a path"),
        (["check", "--datalist", "x", "--on_bad_case", "Skip"], "--on_bad_case is 'Skip', expected error or skip"),
        (["check", "--datalist", "x", "--labels", "2"], "--labels is 2, expected a list of values"),
        (["studies", "--dataset_dir", "x", "--output", ""], "--output is '', expected a path"),
    ],
)
def test_other_commands_look_at_their_options_too(typed, message):
    with pytest.raises(SystemExit) as error:
        main(typed)
    assert message in str(error.value)
