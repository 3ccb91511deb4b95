"""Which option a test is about: @works("MaxCircuitDirtiness") says that the test drives the program
and fails if nobody reads the option."""

import pytest


def works(*options):
    return pytest.mark.works(*options)
