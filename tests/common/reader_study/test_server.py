"""What the server of a study refuses before it listens."""

import pytest

from common.reader_study.app import create_app
from common.reader_study.server import serve_study


@pytest.mark.parametrize("port", [99999, 65536, -1, 8321.5, "8321"])
def test_a_port_that_there_is_not_is_refused(study_file, port):
    with pytest.raises(ValueError, match=r"port: found .*, expected a whole number from 0 to 65535"):
        serve_study(study_file(), port=port)


@pytest.mark.parametrize("names", ["x.example", [""], ["."], [3]])
def test_names_that_are_no_list_are_refused(study_file, names):
    with pytest.raises(ValueError, match=r"allowed_hosts: found .*, expected a list of names"):
        create_app(study_file(), allowed_hosts=names)
