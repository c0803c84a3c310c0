"""Which column of a file says what: proposed from the names of columns, decided by whoever imports."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import RealmId

IGNORE: Final = "ignore"
ATTRIBUTE: Final = "attributes."
TARGETS: Final = (
    "name", "emails", "phones", "sourceId", "identities", "contactId", "language", "timeZone", "avatar",
    "inboxes", "labels", "accessProfiles", "queryMetadata", IGNORE,
)  # fmt: skip
SEVERAL: Final = frozenset({"emails", "phones", "sourceId", "identities", "inboxes", "labels", "accessProfiles"})
ACCESS_TARGETS: Final = frozenset({"accessProfiles", "queryMetadata"})

_WORDS: Final[Mapping[str, str]] = {
    "name": "name fullname displayname contactname customername fn "
    "姓名 名字 名稱 名称 客戶名稱 客户名称 聯絡人 联系人 顧客姓名",
    "emails": "email emails emailaddress mail emailaddresses 電子郵件 電子信箱 電郵 信箱 邮箱 电子邮件 邮件 郵件",
    "phones": "phone phones phonenumber phonenumbers mobile mobilephone cell tel telephone "
    "電話 手機 手機號碼 電話號碼 行動電話 聯絡電話 电话 手机 手机号 手机号码 联系电话",
    "sourceId": "sourceid externalid memberid membernumber memberno customerid customerno userid 會員編號 會員號碼 "
    "會員代號 客戶編號 客戶代號 会员编号 会员号 客户编号 來源編號 来源编号 外部編號",
    "identities": "identities otheridentities furtheridentities",
    "contactId": "contactid frontdeskid",
    "language": "language locale lang preferredlanguage 語言 语言 語系",
    "timeZone": "timezone tz 時區 时区",
    "avatar": "avatar picture photourl avatarurl 頭像 头像",
    "inboxes": "inboxes inbox platforms platform channels 平台 收件匣 渠道",
    "labels": "labels label tags tag categories 標籤 标签",
    "accessProfiles": "accessprofiles accessprofile profiles 權限設定 存取設定 权限配置 權限群組",
    "queryMetadata": "querymetadata",
}
_TARGET_OF: Final = {word: target for target, words in _WORDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What one column says. `realm` None: source ids of the member realm."""

    column: str
    target: str = IGNORE
    realm: RealmId | None = None

    @property
    def attribute(self) -> str | None:
        """The key of the attribute that the column says."""
        return self.target.removeprefix(ATTRIBUTE) if self.target.startswith(ATTRIBUTE) else None

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_mapping` reads."""
        realm = {"realm": str(self.realm)} if self.realm else {}
        return {"column": self.column, "target": self.target, **realm}


def propose_mapping(columns: Sequence[str], attributes: Mapping[str, str]) -> tuple[ColumnUse, ...]:
    """Guess from its name what each column says; `attributes` are the organization's, key: name.

    A column that is not recognized is ignored: nothing becomes an attribute because a file has it. A target that only
    one column can have goes to the first.
    """
    by_word = {_to_word(text): key for key, name in attributes.items() for text in (name, key)}
    taken: set[str] = set()
    uses = []
    for column in columns:
        target = _guess(column, by_word)
        if target in taken and target not in SEVERAL:
            target = IGNORE
        taken.add(target)
        uses.append(ColumnUse(column, target))
    return tuple(uses)


def parse_mapping(raw: object, columns: Sequence[str]) -> tuple[ColumnUse, ...]:
    """Return the use of every column; those that `raw` does not name are ignored.

    Raises InvalidRequest, which points into `/mapping`.
    """
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise InvalidRequest("A mapping is a list of {column, target}.", pointer="/mapping")
    said: dict[str, ColumnUse] = {}
    for index, one in enumerate(raw):
        use = _parse_use(one, f"/mapping/{index}")
        if use.column not in columns or use.column in said:
            detail = "The file has no such column, or it is named twice."
            raise InvalidRequest(detail, pointer=f"/mapping/{index}/column")
        said[use.column] = use
    single = [use.target for use in said.values() if use.target not in SEVERAL and use.target != IGNORE]
    repeated = next((target for target in single if single.count(target) > 1), None)
    if repeated:
        raise InvalidRequest(f"Two columns cannot both be {repeated}.", pointer="/mapping")
    return tuple(said.get(column, ColumnUse(column)) for column in columns)


def _parse_use(raw: object, at: str) -> ColumnUse:
    if not isinstance(raw, Mapping) or not set(raw) <= {"column", "target", "realm"}:
        raise InvalidRequest("Say `column` and `target`, and `realm` for source ids.", pointer=at)
    column, target, realm = raw.get("column"), raw.get("target", IGNORE), raw.get("realm")
    if not isinstance(column, str):
        raise InvalidRequest("A column is named by a text.", pointer=f"{at}/column")
    if not isinstance(target, str) or not _is_target(target):
        raise InvalidRequest("There is no such target.", pointer=f"{at}/target")
    if realm is None:
        return ColumnUse(column, target)
    try:
        if target == "sourceId":
            return ColumnUse(column, target, RealmId(UUID(str(realm))))
    except ValueError:
        pass
    raise InvalidRequest("A realm is an id, and goes with source ids.", pointer=f"{at}/realm")


def _is_target(target: str) -> bool:
    return target in TARGETS or (target.startswith(ATTRIBUTE) and 0 < len(target.removeprefix(ATTRIBUTE)) <= 100)  # noqa: PLR2004 -- of a key


def _guess(column: str, attributes: Mapping[str, str]) -> str:
    if column.startswith(ATTRIBUTE) and _is_target(column):
        return column
    word = _to_word(column)
    if word in attributes:
        return ATTRIBUTE + attributes[word]
    return _TARGET_OF.get(word) or _TARGET_OF.get(re.sub("[0-9]+$", "", word), IGNORE)


def _to_word(text: str) -> str:
    """Return a name as names are compared: no case, spaces or punctuation; full-width letters are plain ones."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum())
