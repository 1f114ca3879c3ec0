"""The second half of the demonstration: ask, decide, train where the data is, release, tell.

Each person has a folder of their own with token and key, as on a computer of their own, and
each step is a command that this person could type.
"""

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
from tessera.domain.errors import Unavailable

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
    LINKOPING: DemoPerson("maria", "Maria Lind", "Linköping", "holder@linkoping"),
    VALENCIA: DemoPerson("jordi", "Jordi Ferrer", "València", "holder@valencia"),
    HERAKLION: DemoPerson("eleni", "Eleni Vlachou", "Heraklion", "holder@heraklion"),
}
REFUSAL: Final = "Our agreement with the region does not cover training yet; a test is welcome."


@dataclass(frozen=True)
class Story:
    """Plays every part, over a running hub and running nodes."""

    demo: Demo

    def run(self) -> None:
        """Play the whole story; what an earlier run finished is not done again."""
        self.people()
        demo = self.demo
        demo.say("\n— a researcher asks three hospitals; two agree, one refuses")
        training = self.granted("training", grant=(LINKOPING, VALENCIA), refuse=(HERAKLION,))
        demo.say("\n— training over the two, where the data is")
        model = self.learned(training)
        demo.say("\n— the hospital that refused allows a test: the model has never seen its images")
        testing = self.granted("testing", grant=(HERAKLION,))
        self.tested(testing, model)
        demo.say("\n— the model on a case")
        self.case(model)
        demo.say("\n— what everybody may read")
        demo.run("register", "--hub", demo.url)

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

    def until(self, found: Callable[[], Any], what: str) -> Any:
        """Return what `found` gives once it is true. Raises Unavailable after four minutes."""
        end = time.monotonic() + _WAIT_S
        while not (value := found()):
            if time.monotonic() > end:
                raise Unavailable(
                    f"waited {_WAIT_S:.0f} s for {what}; the logs are in {self.demo.home / 'logs'}"
                )
            time.sleep(0.5)
        return value
