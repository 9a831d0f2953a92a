"""Reading lists from files as they come."""

import pytest

from app.models import text_files
from app.models.text_files import UnreadableFile, open_text_file, read_lines, read_texts


async def texts_of(path):
    return await read_texts(await open_text_file(path))


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def test_a_text_file_gives_one_text_per_line_and_skips_blank_ones(tmp_path):
    found = await texts_of(written(tmp_path, "a.txt", "one\n\n  two \r\nthree"))
    assert (found.texts, list(found.numbers), found.notes) == (
        ["one", "two", "three"],
        [1, 3, 4],
        ("1 blank row left out",),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_the_column_called_text_is_found_whatever_separates_the_columns(tmp_path, delimiter):
    rows = [["id", "Text", "stars"], ["1", "I love it", "5"], ["2", "I do not", "1"]]
    path = written(tmp_path, "a.csv", "\n".join(delimiter.join(row) for row in rows))
    found = await texts_of(path)
    assert (found.texts, found.column) == (["I love it", "I do not"], "Text")


async def test_without_a_known_name_the_column_with_the_most_text_is_taken(tmp_path):
    file = await open_text_file(written(tmp_path, "a.csv", "id,opinion\n1,A rather long sentence\n2,Another one\n"))
    assert (file.has_header, file.columns[file.column]) == (True, "opinion")


async def test_a_table_without_names_keeps_its_first_row(tmp_path):
    found = await texts_of(written(tmp_path, "a.csv", "Good stuff indeed,5\nBad stuff at all,1\n"))
    assert found.texts == ["Good stuff indeed", "Bad stuff at all"]


async def test_the_header_can_be_corrected(tmp_path):
    file = await open_text_file(written(tmp_path, "a.csv", "text,stars\nGood,5\n"))
    assert (await read_texts(file.with_header(False))).texts == ["text", "Good"]


async def test_quoted_fields_may_hold_line_breaks_and_delimiters(tmp_path):
    found = await texts_of(written(tmp_path, "a.csv", 'id,text\n1,"one, and\ntwo ""quoted"""\n'))
    assert found.texts == ['one, and\ntwo "quoted"']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_encodings_are_recognised(tmp_path, encoding):
    found = await texts_of(written(tmp_path, "a.csv", "text,stars\nschön für Käthe,5\n".encode(encoding)))
    assert (found.texts, found.column) == (["schön für Käthe"], "text")


async def test_a_guessed_encoding_is_said(tmp_path):
    assert (await texts_of(written(tmp_path, "a.txt", "schön".encode("cp1252")))).notes == (
        "not UTF-8, read as Windows-1252",
    )


async def test_rows_that_are_too_short_count_as_blank(tmp_path):
    found = await texts_of(written(tmp_path, "a.csv", "id,text\n1,good\n2\n3,bad\n"))
    assert (found.texts, list(found.numbers)) == (["good", "bad"], [1, 3])


async def test_a_file_over_the_limit_is_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LIMIT_MB", 1)
    with pytest.raises(UnreadableFile, match="has 2 MB; at most 1 MB"):
        await open_text_file(written(tmp_path, "a.txt", b"x" * 2 * 1024 * 1024))


@pytest.mark.parametrize(("name", "content"), [("a.txt", ""), ("a.txt", " \n\n"), ("a.csv", ""), ("a.csv", "text\n\n")])
async def test_a_file_without_texts_says_so(tmp_path, name, content):
    with pytest.raises(UnreadableFile, match="holds no"):
        await texts_of(written(tmp_path, name, content))


async def test_a_missing_file_says_why(tmp_path):
    with pytest.raises(UnreadableFile, match=r"gone\.txt cannot be opened: No such file"):
        await open_text_file(tmp_path / "gone.txt")


async def test_a_quotation_mark_that_never_closes_names_the_line(tmp_path):
    path = written(tmp_path, "a.csv", "id,text\n" + "1,fine\n" * 2000 + '2,"open ' + "x" * 200_000 + "\n")
    with pytest.raises(UnreadableFile, match=r"beyond line 2002.*quotation mark"):
        await texts_of(path)


async def test_pasted_lines_become_a_list():
    assert (await read_lines("Pasted", "one\n\ntwo")).texts == ["one", "two"]
