"""Surnames that no list holds are unknown in every language, also where they look like words."""

import pytest

from tessera.adapters.files.rule_files import vocabulary

SURNAMES = {
    "es": "Etxegarai Quiroga Larrañaga Zubeldia Peñalver Bermejo Cebrián Fajardo Iriarte "
    "Jaén Nogales Olmedo Quesada Robledo Saavedra Tejada Urrutia Yáñez Zorrilla Seoane Valdés",
    "el": "Καλαντζόγλου Βερναρδάκης Τσουμάνη Κουκουλιάς Μπουρνόβα Σταυριανός Μπίμπα Ραυτόπουλος "
    "Ξυλούρης Κόλλιας Κολοκοτρώνης Λιονάκης Μυλωνάς Ράλλης Κεφάλας Πυλαρινός Χειμώνας",
    "sv": "Wahlström Dahlström Åström Lindqvist Håkansson Sjöberg Rosenqvist",
    "it": "Bianchini Sartori Donati Pavan Guidi Piras Serafini Sacco",
    "fr": "Lefèvre Chauvin Poulain Vasseur Delacroix Lemoine Peltier Maillard",
    "nl": "Timmermans Claes Wouters Smets Hofman Koopman Scholten Verstraeten",
    "pl": "Dąbek Sobczak Kurek Kubiak Lis Kozak Kowalewski",
    "fi": "Hietala Rautio Kivelä Peltonen Koski Kangas Koivula",
    "da": "Toft Krogh Skov Holst Vestergaard Haugland Myhre Sæther Brekke Skaar",
    "pt": "Gama Morais Brito Amaral Guerreiro Pacheco",
}
KANJI = (
    "大河内 鬼塚 猪股 轟木 伊集院 黒沢 三上 石根 水口 大内 内海 山口 高木 中尾 長尾 右田 足立 "
    "手塚 目黒 肝付 骨川 血脇 一柳 二宮 三宅 四方 五味 七海 八木 九鬼 高橋 山本 中村 上田 前田 小川"
)
TERMS = {
    "es": "hepatocarcinoma ileocólica glomerulonefritis colangiocarcinoma broncograma sospechosas",
    "el": "υπονεφρικής αεροβρογχόγραμμα χολοκυστίτιδας σπονδυλολίσθηση μετεγχειρητικές",
    "fr": "cholécystectomie angiographie bronchique néphropathie",
    "it": "colecistectomia angiografia bronchiale nefropatia",
    "nl": "leverkanker longontsteking heupfractuur",
    "da": "lungebetændelse nyrefunktion levercyster",
    "pl": "cholecystektomia zapalenia powiększony",
    "pt": "colecistectomia broncopneumonia nefropatia",
}


@pytest.mark.parametrize("language", sorted(SURNAMES))
def test_a_surname_is_no_word(language: str) -> None:
    words = vocabulary()

    assert [name for name in SURNAMES[language].split() if words.knows(name)] == []


def test_a_name_of_medical_characters_is_not_cut_into_them() -> None:
    words = vocabulary()

    for name in KANJI.split():
        pieces = words.segments(name)
        assert not all(known and words.knows(name[s:e]) for s, e, known in pieces), name


@pytest.mark.parametrize("language", sorted(TERMS))
def test_a_term_that_no_list_holds_is_known_by_its_parts(language: str) -> None:
    words = vocabulary()

    assert [term for term in TERMS[language].split() if not words.knows(term)] == []
