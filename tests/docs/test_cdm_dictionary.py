"""The data dictionary says what the code says; the mapping reference names every key and reason."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tessera.adapters.report.clinical import SWEDISH_MENDS
from tessera.domain.catalogue.manifest import FORMAT
from tessera.domain.clinical.mapping_file import parse_mapping_file
from tessera.domain.clinical.problem import MENDS
from tessera.domain.clinical.schema import json_schema
from tessera.domain.clinical.variables import variables
from tests.architecture.source import REPO

REFERENCE = REPO / "docs" / "reference"


def script() -> ModuleType:
    path = REPO / "tools" / "build_data_dictionary.py"
    spec = spec_from_file_location("build_data_dictionary", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cdm_page_is_what_its_script_writes() -> None:
    page = (REFERENCE / "common-data-model.md").read_text("utf-8")
    assert page == script().data_dictionary(), "run python tools/build_data_dictionary.py"


def test_cdm_mapping_page_names_every_variable_family_and_reason() -> None:
    page = (REFERENCE / "clinical-mapping.md").read_text("utf-8")
    plain = [one.name for one in variables() if not one.code]
    families = {f"{one.family}.…" for one in variables() if one.code}
    for word in (*plain, *families, *MENDS):
        assert f"`{word}`" in page, word


def test_cdm_mapping_page_shows_mappings_that_are_read() -> None:
    page = (REFERENCE / "clinical-mapping.md").read_text("utf-8")
    blocks = page.split("```toml\n")[1:]
    whole = [block.split("```")[0] for block in blocks if block.startswith("[mapping]")]
    assert len(whole) == 3
    for text in whole:
        assert all(table.readings for table in parse_mapping_file(text).tables)


def test_cdm_schema_is_what_the_code_says() -> None:
    kept = (REFERENCE / "cdm.schema.json").read_text("utf-8")
    assert json.loads(kept) == json_schema(), "run python tools/build_data_dictionary.py"


def test_swedish_has_a_mend_for_every_reason() -> None:
    assert SWEDISH_MENDS.keys() == MENDS.keys()


def test_cdm_dataset_format_is_named_in_the_reference() -> None:
    assert FORMAT in (REFERENCE / "dataset-version.md").read_text("utf-8")
