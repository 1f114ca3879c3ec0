"""A node's home folder: make it, open it, and hand out its parts."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.bootstrap import dicom_settings
from tessera.bootstrap.dicom_settings import DICOM_KEYS, DicomSettings
from tessera.bootstrap.store_settings import STORE_KEYS, store_values
from tessera.bootstrap.stores import index_of, instance_store_of, ledger_of
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.errors import Conflict, InvalidSettings, NotFound
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.ledger import Ledger

if TYPE_CHECKING:  # most commands need neither rules nor keys, and loading them takes a while
    from tessera.domain.deid.pseudonyms import Pseudonymiser
    from tessera.domain.deid.rules import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(DicomSettings):
    """Everything a node can be told, in HOME/node.toml. One field, one line in the reference."""

    name: str
    """The hospital, as the catalogue shows it."""
    country: str
    """ISO 3166-1 alpha-2."""
    language: str = "en"
    """Of the clinical tables, ISO 639-1."""
    issuers: tuple[str, ...] = ()
    """IssuerOfPatientID values that mean this hospital."""
    profile: str = "research"
    """De-identification profile: a name of the package's, or the path of a TOML file."""
    prefix: str = "TES"
    """Starts every pseudonym."""
    minimum_count: int = 10
    """Counts below this leave as "too few to tell". Subjects."""
    count_step: int = 10
    """Counts that leave are rounded to a multiple of this. Subjects."""
    count_noise: int = 10
    """So much at most is added or taken away before an answer is rounded; 0 for none. Subjects."""
    questions_each: int = 200
    """Different questions of one asker to a dataset that are answered in `questions_days`."""
    questions_together: int = 2000
    """The same of all askers."""
    questions_days: int = 30
    """How long a question counts. Days."""
    workers: int = 0
    """Processes that ingest uses; 0 is one for each core."""
    probe_series: bool = False
    """Whether ingest reads one picture of each CT, MR, NM and PET series for burned-in text."""
    runs_at_once: int = 1
    """Permitted tools that run at the same time."""
    runs_a_day: int = 100
    """The most runs under one permit in 24 hours."""
    run_seconds: int = 3600
    """The longest that a tool may run, whatever it asks for."""
    run_memory_mb: int = 4096
    """The most memory of a tool. Megabytes."""
    run_processes: int = 128
    """The most processes and threads of a tool."""
    run_output_mb: int = 50
    """The most that a tool may leave as outputs. Megabytes."""
    learning: bool = True
    """Whether the node takes part in federated trainings that a permit allows."""
    learnings_at_once: int = 1
    """Trainings at the same time."""
    learning_rounds: int = 200
    """The most rounds of a training."""
    learning_seconds: int = 86_400
    """The longest that a training may take here, with all its waiting."""
    learning_wait_seconds: int = 3600
    """How long a trainer that is ready waits for the other nodes."""
    learning_model_mb: int = 200
    """The most that the arrays of a model may take. Megabytes."""
    learning_change: int = 100
    """The largest distance that an update may have from the weights it began with."""

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> "NodeSettings":
        """Fail at start, naming every unknown key, rather than ignore a typo."""
        unknown = sorted(raw.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise InvalidSettings(f"node.toml: unknown settings: {', '.join(unknown)}")
        missing = sorted({"name", "country"} - raw.keys())
        if missing:
            raise InvalidSettings(f"node.toml: missing settings: {', '.join(missing)}")
        country = str(raw["country"]).upper()
        if len(country) != 2 or not country.isalpha():
            raise InvalidSettings("country: two letters, for example SE")
        numbers = {}
        for key, least in _NUMBERS.items():
            value = raw.get(key, _defaults()[key])
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidSettings(f"{key}: a whole number of at least {least}")
            numbers[key] = value
        learning, probe = raw.get("learning", True), raw.get("probe_series", False)
        for name, said in (("learning", learning), ("probe_series", probe)):
            if not isinstance(said, bool):
                raise InvalidSettings(f"{name}: true or false")
        issuers = raw.get("issuers", ())
        if not isinstance(issuers, (list, tuple)):
            raise InvalidSettings('issuers: a list, for example ["REGION-OST"]')
        return cls(
            name=str(raw["name"]),
            country=country,
            language=str(raw.get("language", "en")),
            issuers=tuple(str(name) for name in issuers),
            profile=str(raw.get("profile", "research")),
            prefix=str(raw.get("prefix", "TES")),
            learning=bool(learning),
            probe_series=bool(probe),
            **dicom_settings.parsed(raw),
            **store_values(raw),  # type: ignore[arg-type]
            **numbers,  # type: ignore[arg-type]
        )

    @classmethod
    def load(cls, home: Path) -> "NodeSettings":
        """Read HOME/node.toml. Raises NotFound and InvalidSettings."""
        path = home / "node.toml"
        try:
            return cls.parse(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as err:
            raise NotFound(f"{home} is not a node's home; make one: tessera node init") from err
        except tomllib.TOMLDecodeError as err:
            raise InvalidSettings(f"{path} is not valid TOML: {err}") from err

    def to_toml(self) -> str:
        lines = []
        last = (*STORE_KEYS, *DICOM_KEYS)
        for field in sorted(fields(self), key=lambda field: field.name in last):
            value = getattr(self, field.name)
            shown = list(value) if isinstance(value, tuple) else value
            lines.append(f"{field.name} = {json.dumps(shown, ensure_ascii=False)}")
        return "\n".join(lines) + "\n"


_NUMBERS: Final = {
    "minimum_count": 1,
    "count_step": 1,
    "count_noise": 0,
    "questions_each": 1,
    "questions_together": 1,
    "questions_days": 1,
    "workers": 0,
    "runs_at_once": 1,
    "runs_a_day": 1,
    "run_seconds": 1,
    "run_memory_mb": 64,
    "run_processes": 1,
    "run_output_mb": 1,
    "learnings_at_once": 1,
    "learning_rounds": 1,
    "learning_seconds": 1,
    "learning_wait_seconds": 1,
    "learning_model_mb": 1,
    "learning_change": 1,
    "s3_cache_mb": 10,
    **dicom_settings.NUMBERS,
}
"""Setting that is a whole number → the least that it may be."""


def _defaults() -> Mapping[str, object]:
    return {field.name: field.default for field in fields(NodeSettings)}


@dataclass(frozen=True)
class Node:
    """An opened home. Its parts are made when they are first asked for."""

    home: Path
    settings: NodeSettings

    @property
    def identified(self) -> Path:
        return self.home / "identified"

    @property
    def research(self) -> Path:
        return self.home / "research"

    @property
    def link(self) -> Path:
        return self.home / "link"

    @cached_property
    def index(self) -> InstanceIndex:
        return index_of(self.home, self.settings)

    @cached_property
    def ledger(self) -> Ledger:
        return ledger_of(self.home, self.settings)

    @cached_property
    def store(self) -> FolderInstanceStore:
        return instance_store_of(self.home, self.settings)

    @cached_property
    def rules(self) -> "RuleSet":
        return rules_of(self.settings)

    @property
    def policy(self) -> CountPolicy:
        """Of what is told once: descriptions, twins, trainings."""
        return CountPolicy(self.settings.minimum_count, self.settings.count_step)

    def key(self) -> bytes:
        """Read the project key from the vault. Raises Conflict and InvalidSettings."""
        from tessera.bootstrap.vault import project_key

        return project_key(self.home)

    def pseudonymiser(self) -> "Pseudonymiser":
        return pseudonymiser_of(self.settings, self.key(), self.rules)


def rules_of(settings: NodeSettings) -> "RuleSet":
    from tessera.adapters.files.rule_files import load_profile, rule_texts
    from tessera.domain.deid.rules import compile_rules

    return compile_rules(load_profile(settings.profile), rule_texts())


def pseudonymiser_of(settings: NodeSettings, key: bytes, rules: "RuleSet") -> "Pseudonymiser":
    from tessera.domain.deid.pseudonyms import Pseudonymiser

    _require_pseudonyms(rules)
    return Pseudonymiser(
        key,
        prefix=settings.prefix,
        home_issuers=frozenset(settings.issuers),
        max_shift_days=rules.profile.max_shift_days,
    )


def _require_pseudonyms(rules: "RuleSet") -> None:
    if rules.profile.crowd:
        raise InvalidSettings(
            "profile: a set under this profile has no key that stays, and a node has one; make it"
            " with tessera deid --profile crowd"
        )


def init_node(home: Path, settings: NodeSettings, *, vault_key: str = "") -> Node:
    """Make a home: folders, settings, a new project key in its vault.

    `vault_key` says what opens the vault: see `bootstrap.vault.lock_of`. Raises Conflict when
    there is a home already.
    """
    from tessera.bootstrap.vault import make_vault

    if (home / "node.toml").exists():
        raise Conflict(f"{home} already is a node's home")
    NodeSettings.parse({f.name: getattr(settings, f.name) for f in fields(settings)})
    _require_pseudonyms(rules_of(settings))
    for private in ("identified/vault", "identified/quarantine", "identified/inbox", "link"):
        (home / private).mkdir(parents=True, exist_ok=True, mode=0o700)
    for private in ("identified", "link"):
        (home / private).chmod(0o700)
    (home / "research").mkdir(exist_ok=True, mode=0o750)
    make_vault(home, vault_key)
    part = home / "node.toml.part"
    part.write_text(settings.to_toml(), encoding="utf-8")
    part.replace(home / "node.toml")
    return open_node(home)


def open_node(home: Path) -> Node:
    """Open a home. Raises NotFound and InvalidSettings."""
    return Node(home.absolute(), NodeSettings.load(home))
