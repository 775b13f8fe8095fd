"""Flow tests run against a real Prefect server of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts import prefect_database


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from prefect.testing import utilities

    home = tmp_path_factory.mktemp("prefect")
    prefect_database.begin(home, "prefect-test.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utilities, "mkdtemp", lambda: str(home))  # where the harness keeps its database
        with utilities.prefect_test_harness(server_startup_timeout=120):
            yield
