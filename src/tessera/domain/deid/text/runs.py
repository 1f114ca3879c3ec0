"""Runs of a script without blanks, as words. Pure."""

import re
from collections.abc import Collection
from typing import Final

from tessera.domain.deid.text.common_words import CommonWords

_LONGEST: Final = 8
"""Signs of the longest word that the large table has."""
_LONGEST_TERM: Final = 20
_PLACED: Final = frozenset(
    "右左両上中下前後内外端末突肺胃腸脳膵脾腎肝胆癌腫瘍瘤炎症病痛径約像影域性状的側縁壁腔巣嚢膜弁管等及各他未有無"
)
"""Kanji that may stand in a row: side, organ, finding, suffix."""
_TERM: Final = re.compile(
    # Ball and Wilms: a person's name in katakana is a term's when the term stands right behind it,
    r"(?:(?<![ァ-ヿ])[ァ-ヿ]{3,12}(?=病(?![院棟室歴])|症候群|症候|徴候|骨折|脱臼|腫瘍(?!内|外|科|セ)|分類|憩室|嚢胞|結節|関節|"
    r"現象|反射|反応|手術|靭帯|三角|輪(?!番)|孔|麻痺|転移|奇形|貧血|脳症|動脈炎|甲状腺|ヘルニア|リンパ腫|肉腫|母斑|角度?|"
    r"肢位|体位|切開|吻合|試験|染色|細胞|小体|線(?!維)|斑|膿瘍|潰瘍|黒質|失語|舞踏|水腫|腺(?!腫)|嚢)"
    # or it is spelled as drugs and instruments are.
    r"|(?<![ァ-ヿ])[ァ-ヿ]{2,12}(?:マブ|ニブ|マイシン|スタチン|プラチン|タキセル|プラゾール|サルタン|キサシン|シクロビル|グリプチン|"
    r"フロジン|プリル|ジピン|セトロン|フェナク|プロフェン|メタゾン|ゾロン|ウラシル|グラフィー?|スコピー|スコープ|カテーテル|ステント|"
    r"スクリュー|バルーン|クリップ|コイル|プレート|ワイヤー?|チューブ|ドレーン|マップ|スキャン|シンチ|エコー|ドップ?ラー?|パチー|"
    r"プラスティー?|センター像|フェーズ|シーケンス|モード|スライス|プロトコル|プロトコール|マーカー|カフ|グラフト|スコア|スケール|テスト|"
    r"サイン|バイパス|シャント|アンギオ|メーカー?|パッチ|メッシュ|ネイル|ロッド|ピン|スペーサー?|ポート|ポンプ)(?![ァ-ヿ]))"
)
"""Katakana that names nobody: eponyms before their term, drugs and instruments by their endings."""
_Segment = tuple[int, int, bool]


def split_run(
    run: str,
    listed: Collection[str],
    widest: int,
    common: CommonWords | None,
    signs: Collection[str] = (),
) -> list[_Segment]:
    """Split a run into (start, end, known).

    `signs` are kanji that stand in no name: each is known by itself.

    The split that leaves the fewest characters unexplained, then the fewest words. Single
    characters in a row, or beside unknown ones, are one unknown word: names are made of them.
    What the curated files leave open is looked for in the large table; its words stay unknown
    when they touch what is still unknown.
    """
    terms = {match.span() for match in _TERM.finditer(run)}
    found = _split(run, listed, widest, None, signs, terms)
    segments = _rejoined(run, found, signs)
    if common is None or all(known for *_, known in segments):
        return segments
    found = _split(run, listed, widest, common, signs, terms)
    weak = [
        k and run[s:e] not in listed and run[s:e] not in signs and (s, e) not in terms
        for s, e, k in found
    ]
    segments = _rejoined(run, found, signs)
    if any(weak):
        loose = {(s, e) for (s, e, _), is_weak in zip(found, weak, strict=True) if is_weak}
        segments = _doubted(run, segments, loose, signs)
    return segments


def _split(
    run: str,
    listed: Collection[str],
    widest: int,
    common: CommonWords | None,
    signs: Collection[str],
    terms: set[tuple[int, int]],
) -> list[_Segment]:
    size = len(run)
    reach = max(widest, _LONGEST) if common else widest
    reach = max(reach, _LONGEST_TERM) if terms else reach
    best: list[tuple[int, int, int]] = [(0, 0, 0)] * (size + 1)  # unknown, words, length
    for start in range(size - 1, -1, -1):
        tail = best[start + 1]
        choice = (tail[0] + 1, tail[1] + 1, 0)
        for length in range(1, min(reach, size - start) + 1):
            word = run[start : start + length]
            rest = best[start + length]
            if rest[0] > choice[0]:
                continue
            if (
                word in listed
                or (length == 1 and word in signs)
                or (terms and (start, start + length) in terms)
                or (common and 1 < length <= _LONGEST and common.holds(word))
            ):
                choice = min(choice, (rest[0], rest[1] + 1, -length))
        best[start] = choice
    found: list[_Segment] = []
    at = 0
    while at < size:
        length = -best[at][2]
        if not length and found and not found[-1][2]:
            found[-1] = (found[-1][0], at + 1, False)
        else:
            found.append((at, at + (length or 1), length > 0))
        at += length or 1
    return found


def _doubted(
    run: str, segments: list[_Segment], loose: set[tuple[int, int]], signs: Collection[str]
) -> list[_Segment]:
    """Join words of the large table with the unknown kanji that they touch.

    Short ones also go when a single kanji stands beside them that is neither side nor organ.
    """

    def doubtful(at: int) -> bool:
        if not 0 <= at < len(segments):
            return False
        start, end, known = segments[at]
        alone = end - start == 1 and run[start] >= "\u3400"
        return not known or (alone and run[start] not in signs and run[start] not in _PLACED)

    doubted: list[_Segment] = []
    for at, (start, end, known) in enumerate(segments):
        if known and (start, end) in loose and end - start < 4:
            known = not (doubtful(at - 1) or doubtful(at + 1))
        if not known and doubted and not doubted[-1][2]:
            doubted[-1] = (doubted[-1][0], end, False)
        else:
            doubted.append((start, end, known))
    return doubted


def _rejoined(run: str, segments: list[_Segment], signs: Collection[str]) -> list[_Segment]:
    """Join single kanji that stand in a row or beside what nobody knows."""
    joined: list[_Segment] = []
    at = 0
    while at < len(segments):
        stop = at
        while stop < len(segments) and _is_loose(run, segments[stop], signs):
            stop += 1
        group = segments[at:stop]
        if len(group) > 1:
            alone = [run[s:e] for s, e, _ in group]
            if not all(k for *_, k in group) or not _PLACED.issuperset(alone):
                joined.append((group[0][0], group[-1][1], False))
            else:
                joined += group
            at = stop
        else:
            joined.append(segments[at])
            at += 1
    return joined


def _is_loose(run: str, segment: _Segment, signs: Collection[str]) -> bool:
    start, end, known = segment
    alone = end - start == 1 and run[start] >= "\u3400" and run[start] not in signs
    return alone or not known
