"""The data dictionary says what the code says; the mapping reference names every key and reason."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tessera.domain.catalogue.manifest import FORMAT
from tessera.domain.clinical.mapping_file import FIELDS, parse_mapping
from tessera.domain.clinical.problem import MENDS
from tessera.domain.clinical.units import CONVERSIONS, OWN_UNIT
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


def test_cdm_mapping_page_names_every_variable_unit_and_reason() -> None:
    page = (REFERENCE / "clinical-mapping.md").read_text("utf-8")
    for word in (*FIELDS, *MENDS, *OWN_UNIT, *OWN_UNIT.values()):
        assert f"`{word}`" in page, word
    for units in CONVERSIONS.values():
        for unit in units:
            assert f"`{unit}`" in page, unit


def test_cdm_mapping_page_shows_a_mapping_that_is_read() -> None:
    page = (REFERENCE / "clinical-mapping.md").read_text("utf-8")
    blocks = page.split("```toml\n")[1:]
    whole = [block.split("```")[0] for block in blocks if block.startswith("[mapping]")]
    assert whole
    for text in whole:
        assert parse_mapping(text).readings


def test_cdm_dataset_format_is_named_in_the_reference() -> None:
    assert FORMAT in (REFERENCE / "dataset-version.md").read_text("utf-8")
