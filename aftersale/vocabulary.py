"""The closed sets of the trade, with the platform's Chinese term beside each (rules.md, sections 4 and 5)."""

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A word of a closed set: its value is the contract, `zh` the term that parties know."""

    zh: str

    def __new__(cls, value: str, zh: str) -> Self:
        """Return a member whose value is the English word."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        return member

    @property
    def words(self) -> str:
        """Both terms, as an operator reads them."""
        return f"{self.value.replace('_', ' ')} {self.zh}"


class CaseKind(Term):
    """What the buyer asks for."""

    REFUND = "refund", "仅退款"
    RETURN = "return", "退货退款"
    EXCHANGE = "exchange", "换货"
    RESHIP = "reship", "补寄"
    REPAIR = "repair", "维修"
    CLAIM = "claim", "保障赔付"


class ClaimType(Term):
    """What a guarantee claim rests on."""

    FRESH_DAMAGE = "fresh_damage", "生鲜坏单包赔"
    COSMETIC_ALLERGY = "cosmetic_allergy", "美妆过敏包退"
    AUTHENTICITY = "authenticity", "正品保障"
    LATE_DISPATCH = "late_dispatch", "延迟发货"
    NON_PERFORMANCE = "non_performance", "未履约"


class Party(Term):
    """Who acts, or is told."""

    BUYER = "buyer", "消费者"
    MERCHANT = "merchant", "商家"
    PLATFORM = "platform", "平台"
    CARRIER = "carrier", "物流"
    INSURER = "insurer", "保险公司"
    SYSTEM = "system", "系统"


class Clock(Term):
    """Every clock that a rule can set."""

    MERCHANT_REVIEW = "merchant_review", "商家处理"
    OFFER_RESPONSE = "offer_response", "用户确认方案"
    BUYER_RETURN = "buyer_return", "买家退货"
    MERCHANT_RECEIPT = "merchant_receipt", "商家收货"
    MERCHANT_INSPECTION = "merchant_inspection", "签收后处理"
    REPLACEMENT_DISPATCH = "replacement_dispatch", "换货发货"
    RESHIP_DISPATCH = "reship_dispatch", "补寄发货"
    REPAIR_DISPATCH = "repair_dispatch", "维修寄回"
    BUYER_RECEIPT = "buyer_receipt", "买家收货"
    STALLED = "stalled", "长期无进展"
    ESCALATION = "escalation", "申请平台介入"
    ARBITRATION_EVIDENCE = "arbitration_evidence", "平台举证"
    ARBITRATION_RULING = "arbitration_ruling", "平台判责"
    CLAIM_REVIEW = "claim_review", "赔付审核"
    PAYOUT = "payout", "退款到账"
    AFTER_SALE_VALIDITY = "after_sale_validity", "售后有效期"
    NO_REASON_WINDOW = "no_reason_window", "七天无理由期限"
    FRESH_DAMAGE_WINDOW = "fresh_damage_window", "坏单包赔期限"
    COSMETIC_ALLERGY_WINDOW = "cosmetic_allergy_window", "过敏包退期限"
    STATUTORY_REFUND = "statutory_refund", "法定退款期限"
    DISPATCH = "dispatch", "发货"
    FALSE_DISPATCH_PICKUP = "false_dispatch_pickup", "虚假发货揽收"
    FALSE_DISPATCH_HUB = "false_dispatch_hub", "虚假发货中转"
    FALSE_TRACKING_PICKUP = "false_tracking_pickup", "虚假轨迹揽收"
    FALSE_TRACKING_HUB = "false_tracking_hub", "虚假轨迹中转"


class OnTimeout(Term):
    """What a silence means."""

    AUTO_APPROVE = "auto_approve", "自动同意"
    AUTO_CLOSE = "auto_close", "自动关闭"
    AUTO_CONFIRM = "auto_confirm", "自动确认收货"
    AUTO_COMPLETE = "auto_complete", "自动完成"
    BREACH = "breach", "超时违约"
    VIOLATION = "violation", "违规"
    DEEMED_ACCEPTED = "deemed_accepted", "视为通过"
    DECIDE_ON_FILE = "decide_on_file", "依现有证据判定"
    LAPSE = "lapse", "失效"
    NO_NEW_CASE = "no_new_case", "不可再申请"
    ALERT = "alert", "预警"


class Service(Term):
    """Consumer-guarantee services and logistics services that an order may carry (S1-S3, S33)."""

    AUTHENTICITY = "authenticity", "正品保障"
    NO_REASON_RETURN = "no_reason_return", "七天无理由退货"
    INSTANT_REFUND = "instant_refund", "极速退款"
    FREIGHT_INSURANCE = "freight_insurance", "运费险"
    HOME_PICKUP = "home_pickup", "上门取件"
    SAME_DAY_DISPATCH = "same_day_dispatch", "当日发"
    DISPATCH_IN_24H = "dispatch_in_24h", "24小时发"
    FRESH_DAMAGE = "fresh_damage", "生鲜坏单包赔"
    COSMETIC_ALLERGY = "cosmetic_allergy", "美妆过敏包退"
    REMOTE_AREA_LOGISTICS = "remote_area_logistics", "偏远物流服务"


class SaleMode(Term):
    """How the goods were sold."""

    IN_STOCK = "in_stock", "现货"
    PRE_SALE = "pre_sale", "预售"


class MerchantClass(Term):
    """Which merchants a clause binds (S10)."""

    SHOP = "shop", "小店"
    GLOBAL = "global", "全球购"


class Tier(Term):
    """Who reviews a claim first and second."""

    MERCHANT = "merchant", "商家审核"
    PLATFORM = "platform", "平台审核"


class State(Term):
    """Whom a case waits for."""

    OPENING = "opening", "受理中"
    AWAITING_MERCHANT_REVIEW = "awaiting_merchant_review", "待商家处理"
    AWAITING_BUYER_CONFIRMATION = "awaiting_buyer_confirmation", "待用户确认"
    AWAITING_BUYER_RETURN = "awaiting_buyer_return", "待买家退货"
    AWAITING_MERCHANT_RECEIPT = "awaiting_merchant_receipt", "待商家收货"
    AWAITING_MERCHANT_DISPATCH = "awaiting_merchant_dispatch", "待商家发货"
    AWAITING_BUYER_RECEIPT = "awaiting_buyer_receipt", "待买家收货"
    AWAITING_CLAIM_REVIEW = "awaiting_claim_review", "待审核"
    MERCHANT_REJECTED = "merchant_rejected", "商家拒绝"
    IN_ARBITRATION = "in_arbitration", "平台介入"
    REFUNDING = "refunding", "退款中"
    REFUND_FAILED = "refund_failed", "退款失败"
    COMPLETED = "completed", "已完成"
    CLOSED = "closed", "已关闭"


class Command(Term):
    """What a back end may ask of a case. The value is the name of the update."""

    APPROVE = "approve", "同意"
    REJECT = "reject", "拒绝"
    OFFER = "offer", "提出方案"
    ACCEPT_OFFER = "accept_offer", "接受方案"
    DECLINE_OFFER = "decline_offer", "拒绝方案"
    SHIP_BACK = "ship_back", "寄回"
    CONFIRM_RECEIPT = "confirm_receipt", "确认收货"
    REFUSE_RECEIPT = "refuse_receipt", "拒收"
    DISPATCH = "dispatch", "发货"
    CONFIRM_DELIVERY = "confirm_delivery", "确认送达"
    REPORT_IRREPARABLE = "report_irreparable", "无法修复"
    AMEND = "amend", "修改申请"
    ESCALATE = "escalate", "申请平台介入"
    RULE = "rule", "平台判责"
    DECIDE_CLAIM = "decide_claim", "赔付审核"
    ADD_EVIDENCE = "add_evidence", "补充凭证"
    WITHDRAW = "withdraw", "撤销"
    EXTEND = "extend", "延长收货"
    AGREE_LIMIT = "agree_limit", "协商时限"
    HOLD = "hold", "挂起"
    RESUME = "resume", "恢复"
    RETRY_REFUND = "retry_refund", "重试退款"


class MessageEvent(Term):
    """Why a party is told something; each has its own words in every language."""

    MOVE_AWAITED = "move_awaited", "待您处理"
    REMINDER = "reminder", "临期提醒"
    DEADLINE_CHANGED = "deadline_changed", "期限变更"
    ALERT = "alert", "超时预警"
    BREACH = "breach", "商家违约"
    VIOLATION = "violation", "发货违规"
    VIOLATION_CLEARED = "violation_cleared", "发货违规撤销"
    CORRECTION_REQUESTED = "correction_requested", "超时后事实待更正"
    REFUND_ADVANCED = "refund_advanced", "极速退款到账"
    CLAWED_BACK = "clawed_back", "极速退款追回"
    CHARGED_BACK = "charged_back", "拒付且已退款"
    FOUND_PAID = "found_paid", "失败退款实已到账"
    INSURANCE_SETTLED = "insurance_settled", "运费险理赔"
    CASE_COMPLETED = "case_completed", "售后完成"
    CASE_CLOSED = "case_closed", "售后关闭"
    MESSAGE_CORRECTED = "message_corrected", "消息更正"
    DISCREPANCY = "discrepancy", "对账差异"


class WatchState(Term):
    """What a dispatch watch waits for."""

    AWAITING_DISPATCH = "awaiting_dispatch", "待商家发货"
    AWAITING_SCANS = "awaiting_scans", "待物流轨迹"
    ENDED = "ended", "已结束"
    REFUSED = "refused", "不予受理"


class WatchEnd(Term):
    """Why a dispatch watch ended; whether anything was amiss, its violations say."""

    CHECKED = "checked", "核查完毕"
    ORDER_CANCELLED = "order_cancelled", "订单取消"
    STOPPED = "stopped", "平台取消"


class WatchCommand(Term):
    """What a back end may ask of a dispatch watch. The value is the name of the update."""

    CLICK = "click", "点击发货"
    SET_DELAY = "set_delay", "设置延迟发货"
    CANCEL_DELAY = "cancel_delay", "取消延迟发货"
    CANCEL_ORDER = "cancel_order", "取消订单"


class RefundState(Term):
    """Where the money is; apart from the state of the case."""

    NONE = "none", "无"
    RESERVED = "reserved", "已预留"
    PROCESSING = "processing", "退款中"
    SUCCEEDED = "succeeded", "已退款"
    FAILED = "failed", "退款失败"
    CLAWED_BACK = "clawed_back", "已追回"


class Outcome(Term):
    """How a completed case ended."""

    REFUNDED = "refunded", "已退款"
    EXCHANGED = "exchanged", "已换货"
    RESHIPPED = "reshipped", "已补寄"
    REPAIRED = "repaired", "已维修"
    REPLACED = "replaced", "以换代修"
    COMPENSATED = "compensated", "已赔付"


class Ruling(Term):
    """What an officer of the platform decides; each is carried out."""

    REFUND = "refund", "退款"
    RETURN = "return", "退货退款"
    REPLACEMENT = "replacement", "补发"
    DISMISSAL = "dismissal", "驳回"


class CloseReason(Term):
    """Why a case closed without completing."""

    REFUSED = "refused", "不予受理"
    WITHDRAWN = "withdrawn", "买家撤销"
    NOT_SENT_BACK = "not_sent_back", "逾期未退货"
    NOT_ESCALATED = "not_escalated", "逾期未申请介入"
    DISMISSED = "dismissed", "平台判商家无责"
    CLAIM_DECLINED = "claim_declined", "赔付不成立"
    CANCELLED = "cancelled", "平台取消"
    TERMINATED = "terminated", "异常终止"


class DiscrepancyKind(Term):
    """What a reconciliation can find: where Temporal, records, outbox, ledger and payment service do not agree."""

    CASE_TERMINATED = "case_terminated", "售后单异常终止"
    CASE_FORGOTTEN = "case_forgotten", "售后单无运行实例"
    END_UNRECORDED = "end_unrecorded", "终态未入账"
    WORKFLOW_STUCK = "workflow_stuck", "流程执行受阻"
    CASE_OVERDUE = "case_overdue", "逾期未流转"
    OUTBOX_BEHIND = "outbox_behind", "消息积压"
    MESSAGES_UNDELIVERED = "messages_undelivered", "消息投递失败"
    REFUND_UNDECIDED = "refund_undecided", "退款结果未决"
    LEDGER_DIFFERS = "ledger_differs", "账实不符"
    STATEMENT_DIFFERS = "statement_differs", "账单不符"
    STATEMENT_UNREADABLE = "statement_unreadable", "账单无法读取"
