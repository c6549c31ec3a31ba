import sqlite3

import pytest

from common.reader_study.answers import Answer, parse_answer, parse_name
from common.reader_study.store import FinishedError, NameTakenError, Store, create_study

INJECTIONS = ["x'); DROP TABLE answer; --", "' OR '1'='1", '"; DELETE FROM reader; --', "%", "a\\' OR 1=1"]


@pytest.fixture
def store(study_file):
    with Store(study_file()) as store:
        yield store


def test_a_study_is_kept_as_it_was_made(store):
    items = store.items()
    assert [item.number for item in items] == list(range(1, 11))
    assert [item.source for item in items].count("real") == 5
    assert len({token for item in items for token in (item.image, item.mask)}) == 20
    assert all(len(item.image) == 32 for item in items)  # 24 random bytes
    assert store.volume(items[0].image)[:4] == (348).to_bytes(4, "little")  # a NIfTI-1 header


def test_tokens_differ_between_studies_of_one_seed(study_file):
    path = study_file()
    with Store(path) as store:
        first = [item.image for item in store.items()]
    path.unlink()
    with Store(study_file()) as store:
        assert not set(first) & {item.image for item in store.items()}


def test_answers_are_there_for_another_connection_at_once(store, study_file, tmp_path):
    reader, _ = store.add_reader("A")
    store.save_answer(reader, 3, Answer(7, "stripes"))
    with Store(tmp_path / "study.sqlite") as other:
        assert other.answers_of(reader) == {3: Answer(7, "stripes")}


def test_an_answer_can_be_changed_until_the_reader_finishes(store):
    reader, _ = store.add_reader("A")
    for number in range(1, 11):
        store.save_answer(reader, number, Answer(1))
    store.save_answer(reader, 2, Answer(9))
    assert store.answers_of(reader)[2] == Answer(9)
    store.finish(reader)
    with pytest.raises(FinishedError):
        store.save_answer(reader, 2, Answer(0))
    with pytest.raises(FinishedError):
        store.finish(reader)
    assert store.answers_of(reader)[2] == Answer(9)


def test_finishing_needs_all_answers(store):
    reader, _ = store.add_reader("A")
    store.save_answer(reader, 1, Answer(1))
    with pytest.raises(FinishedError, match="all volumes"):
        store.finish(reader)


def test_readers_do_not_touch_each_others_answers(store):
    first, second = store.add_reader("A")[0], store.add_reader("B")[0]
    store.save_answer(first, 1, Answer(2))
    store.save_answer(second, 1, Answer(8))
    assert store.answers_of(first) == {1: Answer(2)}
    assert [row["score"] for row in store.all_answers()] == [2, 8]


@pytest.mark.parametrize("score", [-1, 11, 2.5, "x", None])
def test_the_file_itself_refuses_scores_out_of_range(store, score):
    reader, _ = store.add_reader("A")
    with pytest.raises(sqlite3.IntegrityError):
        store.save_answer(reader, 1, Answer(score))
    assert store.answers_of(reader) == {}


def test_the_file_refuses_answers_to_no_volume(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.save_answer(store.add_reader("A")[0], 11, Answer(1))


def test_a_name_is_given_once_whatever_its_case(store):
    store.add_reader("Straße")
    with pytest.raises(NameTakenError):
        store.add_reader("STRASSE")


def test_a_reader_comes_back_with_the_code_alone(store):
    reader, secret = store.add_reader("A")
    assert store.reader_of(secret).name == "A"
    assert store.resume("A", "") is None
    assert store.resume("A", "-" * 10) is None
    assert store.resume("B", reader.code) is None
    assert store.resume("B", "-" * 10) is None
    _, others = store.add_reader("B")
    fresh = store.resume("a", f"{reader.code[:5]}-{reader.code[5:]} ".upper())
    assert store.reader_of(fresh).id == reader.id
    assert store.reader_of(secret) is None  # the former session has ended
    assert store.reader_of(others).name == "B"


def test_secrets_of_sessions_are_not_in_the_file(store, tmp_path):
    _, secret = store.add_reader("A")
    store.close()
    assert secret.encode() not in (tmp_path / "study.sqlite").read_bytes()


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_texts_is_text(store, text):
    reader, _ = store.add_reader(text)
    store.save_answer(reader, 1, Answer(3, text))
    assert store.all_answers()[0]["reader"] == text
    assert store.answers_of(reader) == {1: Answer(3, text)}
    assert store.volume(text) is None
    assert store.reader_of(text) is None
    assert store.resume(text, text) is None
    assert len(store.items()) == 10


def test_no_study_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="run reader_study"):
        Store(tmp_path / "none.sqlite")
    assert not list(tmp_path.iterdir())  # looking does not make an empty file


def test_a_file_holds_one_study(tmp_path):
    create_study(tmp_path / "a.sqlite", settings={}, items=[])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        create_study(tmp_path / "a.sqlite", settings={}, items=[])


@pytest.mark.parametrize(
    ("form", "kind", "score"),
    [
        ({"score": "0"}, "score", 0),
        ({"score": "10"}, "score", 10),
        ({"verdict": "real", "confidence": "5"}, "real_fake", 0),
        ({"verdict": "real", "confidence": "1"}, "real_fake", 4),
        ({"verdict": "generated", "confidence": "1"}, "real_fake", 6),
        ({"verdict": "generated", "confidence": "5"}, "real_fake", 10),
    ],
)
def test_both_ways_to_answer_share_one_scale(form, kind, score):
    assert parse_answer(form, kind) == Answer(score)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        *(({"score": score}, "score") for score in ("", "11", "-1", "5.0", "1e1", "²", "٣", " 5", "0x1", "100", "NaN")),
        ({}, "score"),
        ({"verdict": "fake", "confidence": "3"}, "real_fake"),
        ({"confidence": "3"}, "real_fake"),
        ({"verdict": "real"}, "real_fake"),
        *(({"verdict": "real", "confidence": confidence}, "real_fake") for confidence in ("0", "6", "-1", "x")),
        ({"score": "3"}, "real_fake"),
        ({"score": "3", "comment": "x" * 501}, "score"),
        ({"score": "3", "comment": "a\x00b"}, "score"),
    ],
)
def test_answers_out_of_range_are_refused(form, kind):
    with pytest.raises(ValueError, match=r"choose|comment"):
        parse_answer(form, kind)


def test_names_are_tidied():
    assert parse_name("  Dr.\t Ｍüller \n") == "Dr. Müller"


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b", "a\u202eb", "a\u200bb"])
def test_bad_names_are_refused(name):
    with pytest.raises(ValueError, match="name"):
        parse_name(name)


@pytest.mark.parametrize("content", [b"", b"hello, this is no database" * 100, "cut", "other"])
def test_a_damaged_file_is_named_with_its_remedy(study_file, content):
    path = study_file()
    if content == "cut":
        path.write_bytes(path.read_bytes()[: 4096 * 3])
    elif content == "other":
        path.unlink()
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE study (other TEXT)")
        connection.close()
    else:
        path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"study.sqlite holds no reader study .*, expected .*: put its copy back, or name"
    ):
        Store(path).items()
