"""Wire the pixel stage: the reader of text, and the cleaner that knows an instance's people."""

from collections.abc import Mapping

from tessera.adapters.files.rule_files import load_profile, names_finder, rule_texts, vocabulary
from tessera.adapters.pixels.probe import SeriesProbe
from tessera.adapters.pixels.stage import PixelStage
from tessera.adapters.rapidocr.reader import RapidTextReader
from tessera.bootstrap.node import NodeSettings, pseudonymiser_of
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pixels.findings import Decision
from tessera.domain.deid.pixels.judge import PixelPolicy, TextJudge
from tessera.domain.deid.rules import compile_rules
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.imaging.encoding import FileMeta, Source
from tessera.domain.zones import Identified


def pixel_stage_of(
    settings: NodeSettings, key: bytes, remembered: Mapping[str, tuple[Decision, ...]]
) -> PixelStage:
    """Return the pixel stage of one worker of a node. Raises InvalidSettings without the extra."""
    texts = rule_texts()
    rules = compile_rules(load_profile(settings.profile), texts)
    gate = Deidentifier(
        rules,
        pseudonymiser_of(settings, key, rules),
        read_storage_classes(texts.storage_classes),
        vocabulary(),
        finder=names_finder(rules.profile),
    )
    return stage_for(gate, remembered, graphics=rules.profile.has("clean-graphics"))


def stage_for(
    gate: Deidentifier,
    remembered: Mapping[str, tuple[Decision, ...]],
    *,
    graphics: bool,
) -> PixelStage:
    """Return a stage whose cleaner knows what the gate harvests of an instance."""

    def judge(source: Source, meta: FileMeta) -> TextJudge:
        people = gate.people(Identified(source), meta).value
        return TextCleaner(vocabulary(), people, days=1)

    policy = PixelPolicy(clean_graphics=graphics)
    return PixelStage(RapidTextReader(), judge, policy, remembered)


def probe_for(gate: Deidentifier, *, graphics: bool, every: bool = False) -> SeriesProbe:
    """Return what reads one picture of each series of the kinds that seldom have text."""
    return SeriesProbe(lambda: stage_for(gate, {}, graphics=graphics), every=every)
