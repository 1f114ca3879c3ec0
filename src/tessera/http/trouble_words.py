"""What is wrong with a query, in the reader's language. Pure.

A fault arrives as an English sentence. In another language the sentence is recognised by its
form and written anew with its parts; one that is not recognised stays English, marked so.
"""

import re

from markupsafe import Markup

from tessera.http.language import Texts
from tessera.http.policy_words import english

STATISTICS = (
    ("long_cut", r"a cut has at most (?P<n>\d+) characters"),
    ("no_axis", r"(?P<what>`.*`) is not a field to cut by, as (?P<example>`.+`)"),
    ("no_steps_field", r"(?P<what>`.*`) is not a field with steps, as (?P<example>`.+`)"),
    ("no_range", r"(?P<what>`.*`) is not a range of at most (?P<n>\d+) steps"),
    ("no_numbers", r"(?P<what>`.*`) is not a list of numbers, as (?P<example>`.+`)"),
    ("many_edges", r"(?P<field>\w+): at most (?P<n>\d+) edges"),
    ("odd_edges", r"(?P<field>\w+): edges are plain numbers with at most four decimals"),
    ("edges_ascend", r"(?P<field>\w+): edges ascend"),
    (
        "many_of_it",
        r"(?P<field>\w+) is not a field of a patient or a diagnosis: a subject has many "
        r"of it",
    ),
    ("free_text", r"(?P<field>\w+) is free text: statistics need values or numbers"),
    ("needs_edges", r"(?P<field>\w+) is a number and needs edges, as (?P<example>`.+`)"),
    ("takes_no_edges", r"(?P<field>\w+) has values and takes no edges"),
    ("steps_number", r"(?P<field>\w+) is not a number: steps need one"),
    ("two_edges", r"steps need two edges at least, as (?P<example>`.+`)"),
    ("ends_no_time", r"(?P<field>\w+) is not a field of yes and no: it ends no time"),
    ("needs_axis", r"a cut needs a field to cut by"),
    ("axis_once", r"a cut names each field once"),
    (
        "many_cells",
        r"(?P<n>\d+) cells are asked for, and (?P<most>\d+) may be: take fewer fields, "
        r"bands or steps",
    ),
    ("no_model", r"(?P<what>\w+) is no model"),
    ("no_outcome", r"(?P<what>`.*`) is not an outcome, as (?P<example>`.+`)"),
    ("n_fields", r"(?P<what>\w+) is by (?P<least>\d+) to (?P<most>\d+) fields, not (?P<n>\d+)"),
    ("needs_steps", r"(?P<what>\w+) needs steps, as (?P<example>`.+`)"),
    ("has_no_steps", r"(?P<what>\w+) has no steps"),
    ("needs_time", r"(?P<what>\w+) needs a time that ends, as (?P<example>`.+`)"),
    ("no_until", r"(?P<what>\w+) has steps without `until`"),
    ("only_logistic", r"a logistic model, and no other, has an outcome: (?P<example>`.+`)"),
    ("not_among", r"(?P<what>.+) is not a value of (?P<field>\w+): (?P<known>.+)"),
    ("none_of", r"(?P<what>.*) is none of (?P<known>[a-z, 0-9_]+)"),
    ("choose_cancer", r"choose a cancer at least"),
)
"""Those of the fields that a statistic is divided by, and of a described patient."""
FAULTS = (
    ("no_field", r"there is no field (?P<what>.+)"),
    ("no_value", r"(?P<field>\w+) has no value (?P<what>.+)"),
    ("not_number", r"(?P<field>\w+) needs a number(?: in \S+)?, not (?P<what>.+)"),
    ("not_value", r"(?P<what>.+) is not a value of (?P<field>\w+)"),
    ("too_short", r"(?P<field>\w+) needs at least two letters or digits, not (?P<what>.+)"),
    ("empty", r"the query is empty"),
    ("open_quote", r"a quotation mark is not closed"),
    ("no_order", r"(?P<field>\w+) has no order, so (?P<what>.+) has no meaning"),
    ("no_meaning", r"(?P<what>.+) has no meaning here"),
    ("open_bracket", r"a bracket is open and (?P<what>.+) was not expected"),
    ("unexpected", r"(?P<what>.+) was not expected here"),
    ("want_field", r"a field must stand here, not (?P<what>.+)"),
    ("want_operator", r"after (?P<field>\w+) an operator must stand, not (?P<what>.+)"),
    ("want_two", r"`between` needs two values joined by `and`, and here is (?P<what>.+)"),
    ("want_value", r"a value of (?P<field>\w+) must stand here, not (?P<what>.+)"),
    ("want_symbol", r"(?P<symbol>`.`) must stand here, not (?P<what>.+)"),
    ("want_words", r"(?P<word>`.{2,}`) must stand here, not (?P<what>.+)"),
    ("want_whole", r"a whole number must stand here, not (?P<what>.+)"),
    ("no_date", r"this has no date that a relation in time could be about"),
    ("too_long", r"the query(?:, written out in full,)? has (?P<n>\d+) characters"),
    ("beside_order", r"(?P<what>\S+) has no place in the order of (?P<field>\w+)"),
    ("greater_value", r"the first value of `between` is the greater one"),
    ("greater_days", r"the first number of days is the greater one"),
    ("no_distance", r"(?P<n>-?\d+) days is no distance between two events"),
    ("no_event", r"one (?P<what>\w+) is no event with a date"),
    ("joins_two", r"(?P<what>`\w+`) joins at least two conditions"),
    ("n_values", r"(?P<what>`[^`]+`) has the wrong number of values"),
    ("both_sides", r"(?P<what>\w+) stands on both sides"),
    ("no_events", r"`at least (?P<n>-?\d+) … apart` counts no events"),
    ("apart_days", r"`apart` needs a number of days"),
    ("too_deep", r"the query is (?:nested too deep|(?P<n>\d+) levels deep)"),
    ("before_in", r"a field must stand before `in`"),
    ("in_one", r"`in one` and then (?P<what>.+)"),
    ("too_many", r"the query has (?P<n>\d+) conditions"),
    ("time_inside", r"a relation in time cannot stand inside `in one (?P<what>\w+)`"),
    ("no_group", r"there is no `in one (?P<what>\w+)`"),
    ("group_inside", r"`in one (?P<what>\w+)` cannot stand inside `in one (?P<other>\w+)`"),
    (
        "field_inside",
        r"(?P<field>\w+) is a (?P<level>\w+) field and cannot stand inside `in one "
        r"(?P<other>\w+)`",
    ),
    *STATISTICS,
)
"""Key of the words (`trouble.<key>`) and the form of the English sentence."""
MENDS = (
    ("did_you_mean", r"did you mean (?P<what>[^?]+)\? \(known: (?P<known>.+)\)"),
    ("known", r"known: (?P<known>.+)"),
    ("example", r"for example (?P<example>`.+`)"),
    ("values", r"values: (?P<known>.+)"),
    ("fields", r"fields: (?P<known>.+)"),
    ("close_with", r"close it with (?P<what>.)"),
    ("join_quote", r"join conditions with .* in quotes"),
    ("join", r"join conditions with `and` or `or`"),
    ("closes_nothing", r"this bracket closes nothing; take it away"),
    ("list_brackets", r"lists stand in brackets: (?P<example>`.+`)"),
    ("close_bracket", r"close the bracket that opens at character (?P<n>\d+) with `\)`"),
    ("put", r"put (?P<what>`.`) here"),
    ("at_most", r"use at most (?P<n>\d+)"),
    ("events_plain", r"use a study, a treatment, `diagnosis` or `death`"),
    ("another_event", r"relate it to another event"),
    ("number_to", r"write a number from 2 to (?P<n>\d+)"),
    ("levels", r"use at most (?P<n>\d+) levels"),
    ("in_list", r"use at most (?P<n>\d+); `in \(…\)` takes many values in one"),
    ("list_or_group", r"write (?P<example>`modality in .+`); for one and the same row, .+"),
    ("groups", r"(?:use|write) `in one study .+"),
    ("outside", r"move it outside and join it with `and`"),
    ("choose_field", r"choose a field"),
    ("operators", r"use (?P<known>=, .+)"),
    ("events", r"use a study, .+: for example (?P<example>`.+`)"),
    ("write", r"write (?P<example>`[^`]+`)"),
)
"""The same for what helps (`mend.<key>`)."""
ADDED = (
    (
        "spent",
        r"The dataset has answered as many different questions of yours, or of everybody's, as its"
        r" hospital allows in (?P<n>\d+) days\. A question asked before is answered again\.",
    ),
    ("failed", r"The node could not evaluate the query on this dataset; its operator .+"),
    ("left", r"This node no longer belongs to the hub: its answers do not count\."),
    ("other_state", r"This node has answered from other data than those .+ the numbers are .+"),
)
"""The same for what a node or the hub adds to an answer (`added.<key>`)."""
_END = "the end of the query"


def fault_sentence(message: str, words: Texts) -> Markup:
    """Return what is wrong, for the message of an InvalidQuery."""
    return _written("trouble", FAULTS, message, words)


def mend_sentence(mend: str, words: Texts) -> Markup:
    """Return what helps. Empty when nothing is known to."""
    return _written("mend", MENDS, mend, words)


def added_sentence(text: str, words: Texts) -> Markup:
    """Return what is added to an answer. Empty when nothing is."""
    return _written("added", ADDED, text, words)


def _written(group: str, forms: tuple[tuple[str, str], ...], sentence: str, words: Texts) -> Markup:
    if words.language != "en":
        for name, form in forms:
            if found := re.fullmatch(form, sentence, re.DOTALL):
                parts: dict[str, object] = dict(found.groupdict())
                if parts.get("what") == _END:
                    parts["what"] = words("trouble.end")
                return words(f"{group}.{name}", **parts)
    return english(sentence, words)
