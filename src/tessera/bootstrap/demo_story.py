"""The second half of the demonstration: ask, decide, train where the data is, release, tell.

Each person has a folder of their own with token and key, as on a computer of their own, and
each step is a command that this person could type.
"""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from tessera.bootstrap.demo import SITES, Demo, Site, shown
from tessera.bootstrap.node import open_node
from tessera.bootstrap.runs import sandbox_of
from tessera.domain.errors import Conflict, Unavailable

TOOL: Final = "lesion-classifier"
ROUNDS: Final = 6
_WAIT_S: Final = 240.0
LINKOPING, VALENCIA, HERAKLION = SITES


@dataclass(frozen=True, slots=True)
class DemoPerson:
    user: str
    name: str
    organisation: str
    role: str


ASTRID = DemoPerson("astrid", "Astrid Holm", "Uppsala University", "researcher")
KIM = DemoPerson("kim", "Kim Berg", "Access committee", "committee")
HOLDERS = {
    LINKOPING: DemoPerson("tove", "Tove Falk", "Linköping", "holder@linkoping"),
    VALENCIA: DemoPerson("quim", "Quim Roig", "València", "holder@valencia"),
    HERAKLION: DemoPerson("dafni", "Dafni Kore", "Heraklion", "holder@heraklion"),
}
REFUSAL: Final = "Our agreement with the region does not cover training yet; a test is welcome."


@dataclass(frozen=True)
class Story:
    """Plays every part, over a running hub and running nodes."""

    demo: Demo
    rounds: int = ROUNDS

    def run(self) -> None:
        """Play the whole story; what an earlier run finished is not done again."""
        demo = self.demo
        self.people()
        demo.say("\n— a researcher asks three hospitals; two agree, one refuses")
        training = self.granted("training", grant=(LINKOPING, VALENCIA), refuse=(HERAKLION,))
        try:
            sandbox_of().available()
        except Unavailable as err:
            demo.say(f"\n— here the story stops: tools run in a sandbox only.\n{err}")
        else:
            self._used(training)
        demo.say("\n— what everybody may read, also as pages in English and Swedish")
        demo.run("register", "--hub", demo.url)

    def _used(self, training: str) -> None:
        demo = self.demo
        demo.say("\n— training over the two, where the data is")
        model = self.learned(training)
        demo.say("\n— the hospital that refused allows a test: the model has never seen its images")
        testing = self.granted("testing", grant=(HERAKLION,))
        results = self.tested(testing, model)
        demo.say("\n— the model on a case, at a hospital")
        subject = self.case(model, results)
        demo.say("\n— a patient says no: she is left out from now on; what had her before is told")
        demo.run("node", "opt-out", "add", str(demo.node(LINKOPING)), "-", stdin=f"{subject}\n")

    # People

    def people(self) -> None:
        """Make an account and a signed-in computer for each person."""
        self.demo.say(
            "\n— people: a researcher, the access committee, a data manager at each hospital"
        )
        for person in (ASTRID, KIM, *HOLDERS.values()):
            if not (self.config(person) / "password").exists():
                self._add(person)

    def _add(self, person: DemoPerson) -> None:
        demo, folder = self.demo, self.config(person)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = secrets.token_urlsafe(12)
        part = folder / "password.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(password + "\n")
        demo.run(
            *("hub", "user", "add", str(demo.hub), person.user, "--name", person.name),
            *("--organisation", person.organisation, "--role", person.role, "--password-stdin"),
            stdin=password,
        )
        self.as_(
            person, "login", demo.url, "--user", person.user, "--password-stdin", stdin=password
        )
        part.replace(folder / "password")

    def config(self, person: DemoPerson) -> Path:
        return self.demo.home / "people" / person.user

    def as_(self, person: DemoPerson, *arguments: str, quiet: bool = False, stdin: str = "") -> str:
        """Run a command on this person's computer."""
        environment = {"TESSERA_CONFIG": str(self.config(person)), "TESSERA_HUB": self.demo.url}
        return self.demo.run(
            *arguments, quiet=quiet, stdin=stdin, environment=environment, who=person.user
        )

    # Ask and decide

    def granted(self, name: str, *, grant: Sequence[Site], refuse: Sequence[Site] = ()) -> str:
        """Ask, have it decided and countersigned; return the permit's id."""
        kept = self.demo.home / "people" / f"{name}.json"
        if kept.exists():
            return str(json.loads(kept.read_text("utf-8"))["permit_id"])
        self.as_(ASTRID, "tool", "add", TOOL)
        written = self.config(ASTRID) / f"{name}.toml"
        form = resources.files("tessera.bootstrap").joinpath("demo_forms", f"{name}.toml")
        written.write_text(form.read_text("utf-8"), "utf-8")
        said = self.as_(ASTRID, "apply", str(written), "--submit", "--json", quiet=True)
        application = json.loads(said)["application_id"]
        self.demo.say(
            f"{ASTRID.user}$ tessera apply {shown(written)} --submit\nsubmitted {application}"
        )
        self.as_(KIM, "applications", "decide", application, "accept")
        for site in refuse:
            dataset = f"{site.slug}/cancer-imaging"
            self.as_(
                *(HOLDERS[site], "applications", "decide", application, "refuse"),
                *("--dataset", dataset, "--reason", REFUSAL),
            )
        for site in grant:
            dataset = f"{site.slug}/cancer-imaging"
            self.as_(
                HOLDERS[site], "applications", "decide", application, "grant", "--dataset", dataset
            )
        permit_id = self._countersigned(application, grant)
        kept.write_text(
            json.dumps({"application_id": application, "permit_id": permit_id}), "utf-8"
        )
        return permit_id

    def _countersigned(self, application: str, sites: Sequence[Site]) -> str:
        def issued() -> Any:
            permits = json.loads(self.as_(ASTRID, "permits", "--json", quiet=True))
            found = [p for p in permits if p["permit"]["application_id"] == application]
            return found[0]["permit"]["permit_id"] if found else None

        permit_id = str(self.until(issued, "the permit"))
        self.demo.say("\n— the permit is signed by the hub; each hospital countersigns at its node")
        for site in sites:
            node = str(self.demo.node(site))

            def came(node: str = node) -> bool:
                listed = json.loads(
                    self.demo.run("node", "permit", "list", node, "--json", quiet=True)
                )
                return any(one["permit_id"] == permit_id for one in listed)

            self.until(came, f"the permit at {site.name}")
            by = HOLDERS[site].name
            self.demo.run("node", "permit", "countersign", node, permit_id, "--by", by, "--yes")

        def whole() -> bool:
            (one,) = json.loads(self.as_(ASTRID, "permits", permit_id, "--json", quiet=True))
            return all(node["state"] == "countersigned" for node in one["nodes"])

        self.until(whole, "the countersignatures")
        self.as_(ASTRID, "permits", permit_id)
        return permit_id

    # Train, release, test

    def learned(self, permit_id: str) -> Path:
        """Train over the nodes of the permit, release at each; return the model's file."""
        folder = self.config(ASTRID) / "model"
        if (folder / "model.npz").exists():
            return folder / "model.npz"
        started = self.as_(
            *(ASTRID, "learn", "start", TOOL, "--permit", permit_id, "--rounds", str(self.rounds)),
            *("--title", "Places that deserve a second look in MR", "--json"),
            quiet=True,
        )
        learning = json.loads(started)
        self.demo.say(
            f"{ASTRID.user}$ tessera learn start {TOOL} --permit {permit_id} --rounds {self.rounds}"
        )

        def ended() -> Any:
            one = json.loads(
                self.as_(ASTRID, "learn", "status", learning["learn_id"], "--json", quiet=True)
            )
            if one["is_final"] and one["state"] != "released":
                raise Unavailable(f"the training is {one['state']}: {one['detail']}")
            states = {site["state"] for site in one["sites"]}
            return one if states == {"in-airlock"} else None

        one = self.until(ended, "the training")
        self.as_(ASTRID, "learn", "status", learning["learn_id"])
        self.demo.say(
            "\n— the model waits in the airlock of each hospital until a person has looked"
        )
        for site in one["sites"]:
            self._released(_site(site["node_id"]), site["use_id"])
        self.until(lambda: self._model(folder, learning["learn_id"]), "the released model")
        return folder / "model.npz"

    def _model(self, folder: Path, learn_id: str) -> bool:
        one = json.loads(self.as_(ASTRID, "learn", "status", learn_id, "--json", quiet=True))
        if one["state"] != "released":
            return False
        self.as_(ASTRID, "model", "download", learn_id, "--out", str(folder))
        return True

    def _released(self, site: Site, use_id: str) -> None:
        """Look at what waits in the airlock of a node, and let it out."""
        node, by = str(self.demo.node(site)), HOLDERS[site].name
        self.demo.run("node", "airlock", "show", node, use_id)
        self.demo.run("node", "airlock", "release", node, use_id, "--by", by, "--yes")

    def tested(self, permit_id: str, model: Path) -> Path:
        """Run the released model where it was not trained; return the folder of results."""
        results = self.config(ASTRID) / "results"
        if list(results.rglob("metrics.json")):
            return results
        said = self.as_(
            *(ASTRID, "run", TOOL, "--permit", permit_id, "--input", str(model), "--json"),
            quiet=True,
        )
        self.demo.say(
            f"{ASTRID.user}$ tessera run {TOOL} --permit {permit_id} --input {shown(model)}"
        )
        (use_id,) = [one["use_id"] for one in json.loads(said)]

        def state() -> str:
            runs = json.loads(self.as_(ASTRID, "runs", "--json", quiet=True))
            return str(next(one["state"] for one in runs if one["use_id"] == use_id))

        def waits() -> bool:
            now = state()
            if now in ("failed", "refused", "stopped"):
                raise Unavailable(f"the test is {now} at the hospital")
            return now == "in-airlock"

        self.until(waits, "the test")
        self._released(HERAKLION, use_id)
        self.until(lambda: state() == "released", "the results of the test")
        self.as_(ASTRID, "results", use_id, "--out", str(results))
        for path in results.rglob("metrics.json"):
            told = json.loads(path.read_text("utf-8"))
            self.demo.say(f"{shown(path)}: {_tested(told)}")
        return results

    def case(self, model: Path, results: Path) -> str:
        """Run the model on one study of a hospital; return the pseudonym of its subject."""
        node = self.demo.node(LINKOPING)
        study_uid, subject = _study_to_look_at(node)
        picture = self.demo.home / "case.png"
        if picture.exists():
            return subject
        metrics = next(results.rglob("metrics.json"))
        said = self.demo.run(
            *("node", "model", "add", str(node), str(model), "--tool", TOOL),
            *("--card", str(metrics)),
        )
        model_id = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
        if model_id not in said:
            raise Conflict("the node has put another model on its shelf than the one released")
        self.demo.run(
            *("node", "case", str(node), study_uid, "--model", model_id),
            *("--picture", str(picture)),
        )
        return subject

    def until(self, found: Callable[[], Any], what: str) -> Any:
        """Return what `found` gives once it is true. Raises Unavailable after four minutes."""
        end, pause_s = time.monotonic() + _WAIT_S, 0.3
        while not (value := found()):
            if time.monotonic() > end:
                raise Unavailable(
                    f"waited {_WAIT_S:.0f} s for {what}; the logs are in {self.demo.home / 'logs'}"
                )
            time.sleep(pause_s)
            pause_s = min(2.0, 1.4 * pause_s)  # each look is a program of its own
        return value


def _site(node_id: str) -> Site:
    return next(site for site in SITES if site.slug == node_id)


def _study_to_look_at(home: Path) -> tuple[str, str]:
    """Return a study with MR in which a radiologist has drawn a lesion, and its subject."""
    rows = list(open_node(home).index.all())
    in_mr = {row.series_uid for row in rows if row.modality == "MR"}
    drawn = next(
        row for row in rows if row.modality == "SEG" and row.referenced_series_uid in in_mr
    )
    return drawn.study_uid, drawn.subject


def _tested(told: dict[str, Any]) -> str:
    auc = told["auc"]
    n_subjects = told["n_subjects"]
    interval = f"95 % interval {auc['low']:.2f} to {auc['high']:.2f}"
    return f"{n_subjects} subjects or more, AUC {auc['value']:.2f} ({interval})"
