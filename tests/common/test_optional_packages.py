import math

import pytest

from common.optional_packages import optional_package


def test_a_package_that_is_there_is_imported_and_another_named_with_its_file():
    assert optional_package("math", needed_for="sums") is math
    with pytest.raises(RuntimeError, match=r"sums needs no_such_package, which is not .*requirements-clinic\.txt"):
        optional_package("no_such_package", needed_for="sums")
