"""Measures of reports keep their numbers; days move, in the same words around."""
# ruff: noqa: E501 -- lists of cases

from datetime import timedelta

import pytest

from tessera.domain.deid.text.patterns import find_patterns

MEASURES = (
    """
SUV 18.4 to 2.1|SUV from 18.4 to 2.1|SUV from 8.4|SUVmax 8.4 -> 2.1|SUV max from 9.3 to 1.2.|from 2.3 to 4.5 cm
ratio 3/12|ratio 3/12/14|score 4/5|segments 4/8|seg 4/5|T2/T1|7/10|VAS 7/10|NRS 3/10|BP 120/80|blood pressure 120/80
slice 3/24|slices 3/12|image 3/12|1-2|Gleason 3+4|Gleason 3+4=7|10-12 mm|2.5-3.0|VB17A|B30f|matrix 256x256|05.02 mm
Minskat från 3.2 till 2.1|från 3.2 till 2.1 cm|ökat från 1.2 till 3.4|SUV från 8.4 till 2.1|kreatinin från 1.2 till 2.3
storlek 3.2 x 2.1 cm|tjocklek 1.2|snitt 3/24|bild 4/12|grad 2/3|poäng 4/5|kvot 3/4|kvot 1.2|blodtryck 120/80|Th 11/12
L4/5|L4/L5|L4-5|C5/6|Th12/L1|S1/2|segment 5/8|segment 5/6|4/5 segment|PI-RADS 4/5|BI-RADS 4/5|ISUP 2/5|Lungs-RADS 4/5
von 3.2 auf 2.1|von 3.2 bis 2.1 cm|SUV von 8.4 auf 2.1|gesunken von 8.4 auf 2.1|Schicht 3/24|Verhältnis 3/12|Grad 2/3
Blutdruck 120/80|bis 3.2 cm|ab 3.2 mm|bis 10.5 mm|zum 3.2 mm|seit 3.5 mm|Durchmesser 2.1|Durchmesser von 3.2 auf 2.1
de 3.2 a 2.1 cm|del 3.2 al 2.1 %|SUV de 8.4 a 2.1|el 3/5 superior|el 1/3 distal|del 1/3 medio|el 2/3 proximal|grado 2/3
tensión 120/80|diámetro 2.1|escala 3/10|al 5.2 mm|el 3.2 %|corte 3/24|cociente 1.2|aumentado de 1.2 a 3.4|serie 3/12
από 3.2 σε 2.1|από 3.2 έως 2.1 cm|SUV από 8.4 σε 2.1|λόγος 3/4|βαθμός 2/3|διάμετρος 2.1|της 3.2 cm|μέγεθος 3.2 x 2.1
SUV 8.4→2.1|径 3.2 x 2.1 cm|3/5|1/3|2/3|upper 1/3|distal 2/3|lower 1/3 of the oesophagus|the 1/3 distal
kVp 80/100/120|V1.2.10|syngo 5.1.12|10/12/14 mm|b 0/50/400|TE 10/20/30|TR 10/12/14|TI 10/11/12|echo 1/2|echo 1/12
T2.1.3|TE 12-14 ms|1.5 T|3.0 T|0.5 mm|1.25 mm|0.625|12.5 ml|2.4 kg|10.5 Gy|3.5 %|1.5:1|1:10|4D|version 5.1.12
b50_800|2x2x2 mm|3 x 5 x 12 mm|3x5|FA 10|flip 8/12|ETL 3/12|NEX 1/2|0.5/1.0|1/2|1/4|3/4|5/10 points|9/10|10/10
on 3.2 mm|on 1.5 T|on 3.0 T|at 1.5 T|from 1.2 to 1.5|from 3.5 to 4.6|decreased from 3.2 to 1.2|from 1/3 to 2/3|from 3/12 to 4/12
ADC 0.8 to 1.2|HU 10.5|egfr from 3.5|crp 3.2|psa from 4.1 to 10.2|PSA 4.1|PSA 10.12|hb 9.8|LVEF 5.5|EF from 4.5 to 5.5
width from 1.2|volume from 1.2 ml|vs 3.2|vs 3.2 cm|jfr 3.2 cm|jfr 1.1 mm|du 3.2 cm|le 1/3 moyen|le 3.2 mm|il 3.2 cm|op 3.2 cm
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

DAYS = (
    """
den 12/3|den 3/4 2021|den 12.3|den 12.3.|am 12.3.|vom 12.3.|am 12.03.|vom 12.3. bis 14.4.|on 12/3|dated 12/3|date: 12/3
στις 12/3|στις 12/3/2021|dnia 12.3|datum 12/3|fecha 12/3|från 12/3|sedan 12/3|jfr 12/3|seit 12/3|el 12/3|del 12/3
since 12/3|from 12/3 and|till 12/3|le 12/3|il 12/3|2021-03-12|12.3.2021|12.03.21|03/04/2021|12/31/2021|CT20210312
20210312093015|12 mars 2021|12. März 2021|12 de marzo de 2021|12 Μαρτίου 2021|2021年3月12日|令和3年3月12日|H30.5.2
R3/3/12|March 12th, 2021|12MAR2021|12 févr. 2021|12 kwietnia 2021|maaliskuussa 2021|12 de março de 2021|Q3 2020
3/2019|12-14 mars 2021|Mar 2021|12mar21|12-Mar-2021|12/Mar/2021|2021/03/12|2021.03.12|12-03-2021|1.2.2021|01.02.2021
1/2/2021|12 March 2021|12 Mar 2021|March 2021|mars 2021|März 2021|marzo de 2021|Μάρτιος 2021|maart 2021|12 maart 2021
12. marts 2021|12. mars 2021|12 marzo 2021|12 mar 2021|12 lutego 2021|12. maaliskuuta 2021|12 juni 2020|12 juin 2020
12 giugno 2020|12 czerwca 2020|12. Juni 2020|12 de junio de 2020|12 Ιουνίου 2020|12 June 2020|June 12, 2020|Jun 12, 2020
2020年6月12日|2020年6月|6月12日|平成30年6月12日|03/2021|11/2020|2021-11|2020-06-12T10:11|20200612|12.6.2020 and
SUV on 12.6.2020|SUV 3.2 on 12.6.2020|ratio 3/4 on 12/6/2020|size 3 cm 12.6.2020|MR 12.6.2020|CT 12/6/20 compared
12.06.20|12/06/20|12-06-20|Dec 24, 2020|24 Dec 2020|24 december 2020|24. Dezember 2020|24 décembre 2020|24 grudnia 2020
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("text", MEASURES)
def test_a_measure_is_no_date(text: str) -> None:
    assert [f.name for f in find_patterns(text) if f.kind == "date"] == []


@pytest.mark.parametrize("text", DAYS)
def test_a_day_moves(text: str) -> None:
    dates = [f for f in find_patterns(text) if f.day is not None]

    assert dates
    assert all(d.day and d.written(d.day - timedelta(days=100)) for d in dates)


def test_there_are_as_many_as_the_numbers_ask() -> None:
    assert len(MEASURES) >= 150
    assert len(DAYS) >= 100
