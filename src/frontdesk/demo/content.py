"""What the demo organization knows: FAQs here, files in `files/`. Everything is made up."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoFaq:
    """One question with its answer, and the label that opens it."""

    label: str
    question: str
    answer: str
    base: str = "Shop"


SHOP: Final = "Shop"
DEALER: Final = "Dealer handbook"
EDITIONS: Final = "Departments and editions"  # its labels are made by templates
BASES: Final = (SHOP, DEALER)
LABELS: Final = ("public", "member", "vip", "advanced", "distributor", "internal")

FAQS: Final = (
    DemoFaq(
        "public",
        "What are your opening hours?",
        "Our shops are open from 10:00 to 20:00, on Sundays from 12:00. The telephone desk answers on weekdays from 9:00 to 18:00.",
    ),
    DemoFaq(
        "public",
        "營業時間是幾點到幾點？",
        "門市每日 10:00 至 20:00 營業，星期日從 12:00 開始。客服電話為平日 9:00 至 18:00。",
    ),
    DemoFaq(
        "public",
        "How long does delivery take?",
        "Standard delivery takes three to five working days. Orders placed before noon leave our warehouse on the same day.",
    ),
    DemoFaq("public", "配送需要多久？", "一般配送需要三到五個工作天。中午以前完成的訂單當天出貨。"),
    DemoFaq(
        "public",
        "Which air purifier fits my room?",
        "The AP-200 is made for rooms of up to 36 square metres, the AP-400 for up to 72 square metres.",
    ),
    DemoFaq(
        "public",
        "哪一款空氣清淨機適合我的房間？",
        "AP-200 適用於 36 平方公尺以下的空間，AP-400 適用於 72 平方公尺以下的空間。",
    ),
    DemoFaq(
        "public",
        "How can I pay?",
        "We take credit cards, bank transfer and cash on delivery. Instalments are possible from 6,000 NT dollars.",
    ),
    DemoFaq("public", "有哪些付款方式？", "我們接受信用卡、銀行轉帳與貨到付款。滿新台幣六千元可分期付款。"),
    DemoFaq(
        "public",
        "Can I return a product?",
        "Unused products can be returned within 14 days after delivery. We fetch them free of charge.",
    ),
    DemoFaq("public", "可以退貨嗎？", "商品未使用者，可於收到後 14 天內退貨，我們免費到府收件。"),
    DemoFaq(
        "member",
        "How do I reset the filter indicator?",
        "Press and hold the filter button of your purifier for five seconds until the light turns blue.",
    ),
    DemoFaq("member", "如何重設濾網指示燈？", "請長按濾網鍵五秒，直到指示燈轉為藍色。"),
    DemoFaq(
        "member",
        "How long is the warranty for members?",
        "Members have three years of warranty on every purifier, one year more than the law asks for.",
    ),
    DemoFaq("member", "會員的保固期是多久？", "會員購買的每台清淨機享有三年保固，比法定多一年。"),
    DemoFaq(
        "vip",
        "What does the personal service hotline offer?",
        "VIP members reach their own adviser on +886 2 5550 0199 every day from 8:00 to 22:00, without waiting.",
    ),
    DemoFaq(
        "vip",
        "貴賓專線提供什麼服務？",
        "貴賓會員每天 8:00 至 22:00 可撥打 +886 2 5550 0199，由專屬顧問直接服務，無需等候。",
    ),
    DemoFaq(
        "advanced",
        "How do I set the fan curve in the advanced settings?",
        "Open Settings, Expert, Fan curve. Draw up to eight points; the purifier follows the particle sensor along them.",
    ),
    DemoFaq(
        "advanced",
        "如何在進階設定中調整風扇曲線？",
        "請開啟「設定 → 專家 → 風扇曲線」，最多可設定八個點，清淨機會依微粒感測值運轉。",
    ),
    DemoFaq(
        "distributor",
        "What is the volume discount for distributors?",
        "Distributors get 12 % from 50 units, 18 % from 200 units and 24 % from 500 units of one model in one order.",
    ),
    DemoFaq(
        "distributor", "經銷商的數量折扣是多少？", "單筆訂單同一型號滿 50 台享 12% 折扣，滿 200 台 18%，滿 500 台 24%。"
    ),
    DemoFaq(
        "internal",
        "How do we handle a damaged delivery internally?",
        "Open a case of kind D-7, attach two photographs, and release the replacement without waiting for the carrier.",
    ),
    DemoFaq(
        "internal", "內部如何處理運送損壞的案件？", "建立 D-7 類案件並附上兩張照片，無需等待物流回覆即可先寄出替換品。"
    ),
    DemoFaq(
        "distributor",
        "How do dealers order spare parts?",
        "Dealers order spare parts in the dealer portal under Parts, with the serial number of the purifier.",
        DEALER,
    ),
    DemoFaq("distributor", "經銷商如何訂購零件？", "請在經銷商入口網站的「零件」頁面，輸入清淨機序號後訂購。", DEALER),
)

FAQS_BY_LEVEL: Final = (
    DemoFaq(
        "Employees",
        "May I see the price list of the AP-400?",
        "The internal price list: we buy the AP-400 at 7,350 NT dollars; staff pay 11,000 NT dollars, one unit a year.",
        EDITIONS,
    ),
    DemoFaq(
        "Employees",
        "可以看 AP-400 的價目表嗎？",
        "內部價目表：AP-400 進貨價為新台幣 7,350 元，員工價 11,000 元，每年限購一台。",
        EDITIONS,
    ),
    DemoFaq(
        "Distributors",
        "May I see the price list of the AP-400?",
        "The price list for distributors: the AP-400 costs 9,800 NT dollars from five units on.",
        EDITIONS,
    ),
    DemoFaq(
        "Distributors", "可以看 AP-400 的價目表嗎？", "經銷商價目表：AP-400 五台以上每台新台幣 9,800 元。", EDITIONS
    ),
    DemoFaq(
        "Customers",
        "May I see the price list of the AP-400?",
        "The price list for customers: the AP-400 costs 18,900 NT dollars, delivery included.",
        EDITIONS,
    ),
    DemoFaq("Customers", "可以看 AP-400 的價目表嗎？", "顧客價目表：AP-400 售價新台幣 18,900 元，含運費。", EDITIONS),
    DemoFaq(
        "Enterprise edition",
        "Where are the advanced settings of the app?",
        "Enterprise edition: under Administration, Advanced, for all purifiers of a building, with rules and an audit log.",
        EDITIONS,
    ),
    DemoFaq(
        "Enterprise edition",
        "應用程式的進階設定在哪裡？",
        "企業版：在「管理 → 進階」，可一次設定整棟大樓的清淨機，含規則與稽核紀錄。",
        EDITIONS,
    ),
    DemoFaq(
        "Personal edition",
        "Where are the advanced settings of the app?",
        "Personal edition: under Settings, Expert, for the purifiers of your home.",
        EDITIONS,
    ),
    DemoFaq(
        "Personal edition", "應用程式的進階設定在哪裡？", "個人版：在「設定 → 專家」，可設定家中的清淨機。", EDITIONS
    ),
    DemoFaq(
        "Trial edition",
        "Where are the advanced settings of the app?",
        "Trial edition: the advanced settings open once you choose the personal or the enterprise edition.",
        EDITIONS,
    ),
    DemoFaq("Trial edition", "應用程式的進階設定在哪裡？", "試用版：選購個人版或企業版後即可使用進階設定。", EDITIONS),
)

FILES: Final = {
    "AP-200 manual.md": "member",
    "AP-400 manual.md": "member",
    "AP-200 使用說明書.md": "member",
    "VIP offers Q4 2026.md": "vip",
    "貴賓專屬優惠 2026 第四季.md": "vip",
    "Distributor price list 2026.csv": "distributor",
    "Service bulletin 7.md": "internal",
    "Our shops.html": "public",
    "配送與退換貨.md": "public",
}
