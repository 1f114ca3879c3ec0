"""Say what the model of surnames adds: `python -m tools.measure_surname_model`, a few seconds.

Surnames in lower case that stand in no header, kept by the rules and with the model, and the words
of tests/unseen_lines that only the model removes. The rare European names were written down for
this measure and are in no training.
"""

from collections import Counter

from tests.unseen_lines.score import HERE, lines_of

from tessera.adapters.files.rule_files import vocabulary
from tessera.adapters.names import DATA
from tessera.adapters.names.surnames import SurnameFinder
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner

RARE = """
    wikmarker hallbergsson ytterdahl tjernlund kronqvist bladh hjortzberg natt staaf rosengard
    silfverhielm tegnander lillieroth hammarqvist ekecrantz fagerskiold granath palmcrantz
    sjoholmer westerdahl zackrisson ahlskog bexelius dufvenmark edgardh forssander gyllenram
    hultcrantz isacsson jernberger kjellander liljewalch morkfors nauckhoff odelstierna pihlgard
    qvarnstrom reuterskjold stjernlof trolleberg uggla vretblad wrangel abermann drexhage
    eichelkraut fahrenkamp gerstenmaier hagedornen ilsemann juckenack kaltwasser leutheusser
    muckenhaupt nettesheim obendorfer pfaffenzeller quakenack ruckdeschel schwendemann tiefensee
    uffelmann vollrath wackernagel zwirnmann birkenstamm dornbusch rautenberg hasselblatt
    abbotsleigh bickerstaffe cholmondeley dunwoodie entwhistle featherstonhaugh gathercole
    higginbottom inglethorpe jellicoe kirkbride lazenby micklethwait nethercott oglethorpe
    pennycuick quillfeather ramsbotham satterthwaite tattersall umfreville villiers wolstenholme
    yarborough zouche marchbank thistlewood ravensdale aguirrezabala balbontin cascajares doblado
    echeverri fuenmayor goicoechea hinestrosa izaguirre jaramillo larrazabal mendizabal noriega
    olazabal perdomo quintanilla ruvalcaba sanclemente tagliaferri urdaneta villavicencio
    yturralde zubizarreta arrizabalaga etxebarria bonnefoy chastaing delacourtie estournelles
    feuillatre guillemot houdebine jacquemard kerbrat lecourtois montagnier noirmoutier pelletrat
    quesnel rochefoucauld sauvageot tournadre vaillancourt beauregard chevassus bevilacqua
    cavalcanti dallapiccola esposti fumagalli gambacorta imperatrice lanzafame mastroianni
    napolitano ognibene pappalardo quattrocchi rondinelli spadafora tagliabue ungaretti vendramin
    zampieri boccanera brzeczyszczykiewicz chmielowski dabrowiecki grzegorzewski jagodzinski
    krzyzanowski lewandowicz malinowicz nowosielski olszewik pietruszka radziwill szczepanik
    tomaszewicz wojciechowicz zielonka abrahamsenius brekkhus christophersen drevland eikrem
    fjeldstad gjerstad hegdal ingebretsen jorstad kvernberg lystad moldestad nordgaard overland
    ramstad skjelbred thorvik ulveseth vigeland bruggenkate cuypers doornbos eekhout fokkinga
    groenewegen hoogendijk ingenhousz kuijpers leeuwenburgh mossink nieuwenhuis oosterveld
    peerdeman rietveld schouwenaar terpstra uitterhoeve verschueren zonneveld aaltonen heikkinen
    jarvenpaa kangasniemi leppanen mustonen niskanen ollikainen pyykkonen rautiainen savolainen
    tiainen uusitalo vartiainen ylonen koskenniemi albuquerque bragantino cavaleiro dornelas
    esteves figueiroa gouveia henriques junqueira lacerda magalhaes negreiros outeiro pimentel
    quaresma rebelo saldanha tavora vasconcelos angelopoulos bakoyannis chatzidakis drakopoulos
    efstathiou fragkoulis giannakopoulos karamanlis lymperopoulos mavrogiannis oikonomou
    papakonstantinou rigopoulos spyropoulos triantafyllou vasilopoulos xenakis zografos
""".split()
EVERY = 7
"""Of the census: one name in so many."""


def kept(cleaner: TextCleaner, names: list[str]) -> float:
    """Return the share of names that stay in a line, 0 to 1."""
    return sum(name in cleaner.clean(f"diskuterat med {name}").text for name in names) / len(names)


def words(text: str) -> Counter[str]:
    """Return the words of a cleaned text."""
    return Counter(text.replace("***", " ").split())


def main() -> None:
    rules = TextCleaner(vocabulary(), Identities(), days=10)
    model = TextCleaner(vocabulary(), Identities(), days=10, finder=SurnameFinder(vocabulary()))
    lines = (DATA / "surnames.txt").read_text(encoding="ascii").splitlines()
    census = [line for line in lines if not line.startswith("#")][::EVERY]
    for title, names in (("census", census), ("rare European", RARE)):
        before, after = kept(rules, names), kept(model, names)
        print(
            f"{title}: {len(names)} surnames, kept {before:.1%} by the rules, {after:.1%} with it"
        )
    total, lost = 0, Counter[str]()
    for path in sorted(HERE.glob("*.tsv")):
        for line in lines_of(path)[1]:
            before_words = words(rules.clean(line.text).text)
            total += before_words.total()
            lost += before_words - words(model.clean(line.text).text)
    print(f"unseen lines: {total} words kept by the rules, {lost.total()} lost: {sorted(lost)}")


if __name__ == "__main__":
    main()
