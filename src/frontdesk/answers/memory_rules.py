"""What a message says of its writer, read without a model: rules in English and Traditional Chinese.

Rather silent than wrong: questions, conditions, negations, quoted and reported speech say nothing of anybody.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import Pattern
from typing import Final

from frontdesk.answers.memory_model import Statement, is_secret, key_of, plain

_MOST_FACTS: Final = 8  # of one message

_QUOTED: Final = re.compile(r"“[^”]{0,500}”|\"[^\"]{0,500}\"|「[^」]{0,500}」|『[^』]{0,500}』|^\s*>.*$", re.MULTILINE)
_FORWARDED: Final = re.compile(r"^-{3,}.*|^On .{5,80} wrote:$|^(?:From|寄件者)\s*[:：].*", re.MULTILINE)
_SENTENCE: Final = re.compile(
    r"(?:[^.!?。！？\n;；]|(?<=\bMr)\.|(?<=\bMs)\.|(?<=\bMrs)\.|(?<=\bDr)\.|(?<=\b[Nn]o)\.|\.(?=\S))+[.!?。！？]*"
)
_CLAUSE: Final = re.compile(r",(?=\s)|，")

_UNREAL: Final = re.compile(
    r"\b(?:if|suppose|imagine|pretend|unless|whether|wish|said|says|say|wrote|told|tell|claims?|asked|asks)\b|\b(?:write|type):"
    r"|如果|假如|假設|要是|萬一|的話|(?:他|她|客服|表單|老闆|店員|上面)們?(?:說|寫|問|叫)",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(
    r"^\W*(?:is|are|am|do|does|did|can|could|would|should|will|was|were|has|what|which|who|whose|where|when|why|how)\b"
    r"|[嗎呢]|什麼|甚麼|哪|誰|多少|怎|是不是|要不要|有沒有|可不可以|能不能",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(r"n't\b|\b(?:not|never|no longer|used to|nor|neither)\b|[不沒別未]|以前|曾|之前住")

_SURNAMES: Final = (
    "陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周徐蘇葉莊呂江何蕭羅簡朱鍾彭游詹胡施沈余趙盧梁顏柯翁魏孫戴范宋鄧杜傅侯薛丁卓"
    "馬阮董唐藍石蔣紀湯姚馮程汪鄒尤巫涂韓潘田姜康袁曹鄞龔嚴倪崔龐賀"
)
_TITLES: Final = "先生|小姐|女士|太太|醫師|老師|經理"
_ZH_NAME: Final = (
    rf"(?:[{_SURNAMES}][\u4e00-\u9fff]{{1,3}}|[小阿大][\u4e00-\u9fff]|(?P<twice>[\u4e00-\u9fff])(?P=twice))"
)
_ZH_FULL_NAME: Final = rf"[{_SURNAMES}](?:(?:{_TITLES})|[\u4e00-\u9fff]{{1,2}})"
_ZH_PLACE: Final = (
    r"(?:台北|臺北|新北|桃園|台中|臺中|台南|臺南|高雄|基隆|新竹|苗栗|彰化|南投|雲林|嘉義|屏東|宜蘭|花蓮|台東|臺東|澎湖|金門|馬祖"
    r"|連江|香港|澳門|九龍|台灣|臺灣|日本|東京|美國|加拿大|新加坡|馬來西亞|上海|北京|廣州|深圳)[^\s，。]{0,16}"
)
_ZH_ME: Final = r"^(?:你們?好|您好|哈囉|嗨|另外|因為|所以|其實|對了)?\W*我們?"
_CODE: Final = r"(?-i:[A-Z]{1,8}[\w]*-?\d[\w-]*)"
_ZH_NUMBER: Final = r"[一兩二三四五\d]+"
_ZH_THING: Final = rf"(?:{_CODE}|[\u4e00-\u9fff]{{2,12}})"
_ZH_COUNTED: Final = rf"{_ZH_NUMBER}(?:[台臺部支組件輛副雙套]|個(?!多?月|禮拜|星期|小時))\s*{_ZH_THING}"
_ZH_OWNED: Final = rf"{_ZH_NUMBER}[台臺部支組輛副雙套]\s*{_ZH_THING}"
_PHONE: Final = r"\+?\(?\d[\d\s()-]{6,18}\d"
_EMAIL: Final = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
_NUMBER: Final = r"(?=[A-Za-z-]{0,12}\d)[A-Za-z\d][A-Za-z\d-]{2,30}"
_WORD: Final = r"[A-Za-z\u00c0-\u024f][\w'.-]*"
_CAPITAL: Final = r"(?-i:[A-Z\u00c0-\u00de][\w'-]+)"
_UNTIL: Final = (
    r"(?=\s+(?:and|but|which|that|from|last|this|in|on|at|because|since|yesterday|so|with)\b|\s*[.!()]|\s*$)"
)
_PLACE_ENDS: Final = r"(?=\s+(?:and|but|which|that|because|since|so|with|for|now)\b|\s*[.!()]|\s*$)"
_EN_LANGUAGES: Final = "English|Chinese|Mandarin|Cantonese|Japanese|Korean|German|French|Spanish|Italian|Portuguese"
_ZH_LANGUAGES: Final = "中文|國語|台語|臺語|粵語|廣東話|英文|英語|日文|日語|韓文|德文|法文|西班牙文"
_EN_DATE: Final = (
    r"(?:the )?(?:\d{1,2}(?:st|nd|rd|th)?(?: of)? [A-Z][a-z]{2,8}|[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?)(?:,? \d{4})?"
    r"|\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{1,4})?"
)
_ZH_DATE: Final = r"(?:(?:民國)?\d{2,4}年)?\d{1,2}月\d{1,2}[日號]?|\d{2,4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[/]\d{1,2}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """`several`: a person has more than one of these, and what it is about becomes part of the topic."""

    topic: str
    pattern: Pattern[str]  # its group `value` is what the topic is about
    several: bool = False
    may_ask: bool = False  # a polite question says it as well
    reject: Pattern[str] | None = None  # values that say something else


def _rule(topic: str, pattern: str, *, several: bool = False, may_ask: bool = False, reject: str = "") -> _Rule:
    rejected = re.compile(rf"^(?:{reject})", re.IGNORECASE) if reject else None
    return _Rule(topic, re.compile(pattern, re.IGNORECASE), several, may_ask, rejected)


_NO_NAME: Final = (
    r"(?:not|on|in|at|under|no|none|the|an?|is|and|or|too|also|already|still|spelled|spelt|misspelled|missing|wrong|"
    r"incorrect|different|changed|written|listed|shown|unknown|private|above|below|there|here)\b"
)
_NO_CALL: Final = r"(?:Back|When|If|As|At|On|In|Again|Later|Today|Tomorrow|Asap|Please|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_RULES: Final = (
    _rule(
        "name",
        rf"\bmy (?:full |first |last )?name(?:'s| is) "
        rf"(?P<value>{_WORD}(?: (?!(?:and|but|from|i|with|so|here)\b){_WORD}){{0,3}})",
        reject=_NO_NAME,
    ),
    _rule("name", rf"\bthis is (?P<value>{_CAPITAL}(?: {_CAPITAL}){{0,2}}) (?:speaking|here|calling|writing)\b"),
    _rule(
        "name",
        rf"{_ZH_ME}(?:叫做?|的(?:名字|姓名|全名)[是叫為])\s*(?P<value>{_ZH_NAME}|{_CAPITAL}(?: {_CAPITAL})?)\W*$",
    ),
    _rule("name", rf"{_ZH_ME}姓(?P<value>[{_SURNAMES}](?:{_TITLES})?)\W*$"),
    _rule("name", rf"{_ZH_ME}是(?P<value>{_ZH_FULL_NAME})\W*$", reject=r"黃金|石油|.+[生員人者客戶工級的方店家]$"),
    _rule(
        "call_as",
        rf"\bcall me (?P<value>(?:(?:Mr|Ms|Mrs|Miss|Dr)\.? )?{_CAPITAL}(?: {_CAPITAL})?)",
        reject=_NO_CALL,
    ),
    _rule("call_as", rf"叫我(?P<value>{_ZH_NAME}|{_CAPITAL})(?:就好|就可以|即可|吧)?了?\W*$"),
    _rule(
        "home",
        rf"\b(?:I|we)(?: currently| still| now)? (?:live|reside)(?: now)? in (?P<value>[^.!?]{{2,60}}?){_PLACE_ENDS}",
        reject="fear|hope|peace|doubt|constant|the (?:past|same)|a world|this|your",
    ),
    _rule("home", rf"\bI(?:'m| am)(?: now)? (?:living|based) in (?P<value>[^.!?]{{2,60}}?)(?: now)?{_PLACE_ENDS}"),
    _rule(
        "home",
        rf"{_ZH_ME}(?:現在|目前|一直|都|家)*住(?:[在於](?P<value>[^\s，。]{{2,24}})|{_ZH_PLACE})",
        reject="一起|家裡|這|那|附近",
    ),
    _rule("home", rf"(?:{_ZH_ME}家在|^住在)(?P<value>{_ZH_PLACE})"),
    _rule(
        "work",
        r"\bI work (?:at|for|in) (?P<value>(?:an? |the )?[^.!?]{3,50}?)"
        r"(?=\s+(?:and|but|as|since|because)\b|\s*[.!]|\s*$)",
        reject="home|the moment|the evening|the morning|night|least|once|shifts|it|this|that|you|free",
    ),
    _rule("work", rf"{_ZH_ME}在(?!家[裡中]?(?:上班|工作))(?P<value>[^\s，。]{{2,20}}?)(?:上班|工作|任職)\W*$"),
    _rule(
        "preference",
        r"\bI(?: usually| generally| always| really| would|'d)? (?:prefer|rather) "
        r"(?P<value>[^.!?]{3,80}?)\s*(?=[.!]|$)",
        several=True,
        reject="not|it if|you|that you|neither|either|if|to know",
    ),
    _rule(
        "preference",
        rf"{_ZH_ME}(?:個人|自己|都|還是)?(?:(?:比較|更|最)(?:喜歡|偏好|習慣)|偏好|習慣)(?P<value>[^，。？]{{2,30}})",
        several=True,
        reject="之前|以前|原來|這|那",
    ),
    _rule(
        "allergy",
        r"\bI(?:'m| am)(?: very| severely| also)? allergic to (?P<value>[^.!?]{2,60}?)\s*(?=[.!]|$)",
        several=True,
        reject="anything|nothing|none|it|this|that|you|bad|poor|slow|people",
    ),
    _rule("allergy", r"\bI have an? (?:severe |bad )?(?P<value>\w{2,20}(?: \w{2,20})?) allergy", several=True),
    _rule(
        "allergy",
        rf"{_ZH_ME}(?:本身|會|有)?對(?P<value>[^，。不沒]{{1,20}}?)(?:都|也|會|有|嚴重|很)*過敏",
        several=True,
    ),
    _rule(
        "diet",
        r"\bI(?:'m| am)(?: a| an)? (?P<value>(?:strict )?"
        r"(?:vegetarian|vegan|lactose[- ]intolerant|gluten[- ]intolerant|coeliac|celiac|diabetic))\b",
    ),
    _rule("diet", rf"{_ZH_ME}(?:是|都|平常|本身)?(?P<value>吃(?:全|蛋奶|鍋邊)?素(?!食)|茹素|素食者|乳糖不耐)"),
    _rule("order", rf"\border (?:number|no\.?|nr\.?|id)(?: is|:|：|#)? *#?(?P<value>{_NUMBER})", several=True),
    _rule("order", rf"訂[單購](?:編號|號碼|單號|序號)\s*(?:[是為:：#]\s*)?(?P<value>{_NUMBER})", several=True),
    _rule(
        "product",
        rf"\b(?:I|we)(?: also| still)? (?:have|own|use) (?:an?|the|two|three|\d) "
        rf"(?P<value>(?:\w+ )?{_CODE}(?: (?!question|problem|issue|error)[\w-]+)?){_UNTIL}",
        several=True,
    ),
    _rule(
        "product",
        rf"\b(?:I|we)(?:'ve| have)?(?: just| recently| also| already)? (?:own|bought|purchased) "
        rf"(?:an?|the|my|our|one|two|three|\d) (?P<value>[\w-]+(?: [\w-]+){{0,4}}?){_UNTIL}",
        several=True,
        reject=r"lot|bit|few|wrong|thing|one|of\b|.*\bgift\b|.*\bfor (?:my|our|a|his|her)\b",
    ),
    _rule(
        "product",
        rf"(?:{_ZH_ME}[^，。想要不沒還]{{0,12}}?|^(?:昨天|前天|上週|上個?月|最近|今天|剛)[^，。想要不沒還]{{0,10}}?)買了\s*"
        rf"(?P<value>{_ZH_COUNTED}|{_CODE})",
        several=True,
    ),
    _rule(
        "product",
        rf"{_ZH_ME}家?有\s*(?P<value>{_ZH_OWNED}|{_CODE})",
        several=True,
    ),
    _rule("phone", rf"\bmy (?:phone|mobile|cell)(?: number)?(?: is|:) *(?P<value>{_PHONE})"),
    _rule("phone", rf"\b(?:call|reach|text|phone) me (?:at|on|under) (?P<value>{_PHONE})"),
    _rule("phone", rf"(?:電話|手機)(?:號碼)?\s*(?:[是為:：]\s*)?(?P<value>{_PHONE})|打(?P<other>{_PHONE})"),
    _rule("email", rf"\bmy e-?mail(?: address)?(?: is|:) *(?P<value>{_EMAIL})"),
    _rule("email", rf"我的?(?:信箱|電子郵件|電郵|e-?mail)(?:地址)?\s*(?:[是為:：]\s*)?(?P<value>{_EMAIL})"),
    _rule("birthday", rf"\b(?:my birthday is(?: on)?|I was born on) (?P<value>(?-i:{_EN_DATE}))"),
    _rule("birthday", rf"我的?(?:生日|出生日期)\s*(?:[是在為:：]\s*)?(?P<value>{_ZH_DATE})"),
    _rule(
        "language",
        rf"\b(?:please|could you|can you|kindly)[\w ]{{0,20}} (?:answer|reply|write|respond|speak)(?: to me)? "
        rf"(?:in )?(?P<value>{_EN_LANGUAGES})\b",
        may_ask=True,
    ),
    _rule(
        "language",
        rf"\bplease (?:answer|reply|write|respond|speak)(?: to me)? (?:in )?(?P<value>{_EN_LANGUAGES})\b",
        may_ask=True,
    ),
    _rule(
        "language", rf"(?:請|麻煩|可以|能不能|可不可以)您?你?們?(?:改?用|說|講)(?P<value>{_ZH_LANGUAGES})", may_ask=True
    ),
)


def extract(text: str) -> list[Statement]:
    """Return what the writer of `text` says of themselves, in their own words; at most 8 statements."""
    found: dict[str, Statement] = {}
    for sentence in _SENTENCE.findall(_FORWARDED.sub("\n", _QUOTED.sub(" … ", text.replace("\u2019", "'")))):
        for statement in _read_sentence(sentence):
            found.setdefault(statement.topic, statement)
    return list(found.values())[:_MOST_FACTS]


def find_gist(text: str) -> str:
    """Return the first question of a message, else its first sentence: what a summary keeps of it. May be empty."""
    sentences = [one for one in (plain(sentence) for sentence in _SENTENCE.findall(text)) if one]
    return next((one for one in sentences if one.endswith(("?", "？"))), sentences[0] if sentences else "")


def _read_sentence(sentence: str) -> Iterator[Statement]:
    if _UNREAL.search(sentence):
        return
    clauses = [clause.strip() for clause in _CLAUSE.split(sentence)]
    for position, clause in enumerate(clauses):
        is_last = position == len(clauses) - 1
        asks = (is_last and sentence.rstrip().endswith(("?", "？"))) or bool(_ASKING.search(clause))
        for rule in _RULES:
            if not asks or rule.may_ask:
                yield from _apply(rule, clause)


def _apply(rule: _Rule, clause: str) -> Iterator[Statement]:
    match = rule.pattern.search(clause)
    if match is None or _NEGATION.search(clause[: match.start()]):
        return
    value = next((group for name, group in match.groupdict().items() if group), match[0]).strip()
    text = plain(match[0].strip(" ,.，。"))
    if (rule.reject and rule.reject.search(value)) or is_secret(text):
        return
    yield Statement(f"{rule.topic}:{key_of(value)}" if rule.several else rule.topic, text)
