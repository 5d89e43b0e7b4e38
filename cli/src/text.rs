//! Every sentence and heading people read, in English and Chinese side by side.
//! Not the help of commands (their doc comments) and not the node's own problem texts.
//! Invariant: both languages are complete and take the same number of values; proved by
//! `both_languages_are_complete`.

use clap::ValueEnum;

/// A language of the human texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// One text in both languages; `{}` marks a value.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    en: &'static str,
    zh: &'static str,
}

impl Text {
    /// A text of another file.
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        Self { en, zh }
    }

    /// The text in a language.
    pub fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }

    /// The text with its values filled in, in order.
    pub fn with(self, lang: Lang, values: &[&str]) -> String {
        let mut parts = self.get(lang).split("{}");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values) {
            filled.push_str(value);
            filled.push_str(part);
        }
        filled
    }
}

macro_rules! texts {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        $(
            #[doc = $en]
            pub const $name: Text = Text { en: $en, zh: $zh };
        )*
        #[cfg(test)]
        const ALL: &[Text] = &[$($name),*];
    };
}

texts! {
    ERROR: "error", "错误";
    HELP: "help", "处理办法";
    RUNNING_AT: "already running at", "已在运行";
    USE_HELP: "run the command with --help", "加 --help 查看用法";
    BAD_ANSWER: "the node answered HTTP {} with a body that cannot be read", "节点返回 HTTP {}，内容无法读取";
    BAD_ANSWER_REMEDY: "check that node and command line have the same version", "请确认节点与命令行版本相同";
    UNREACHABLE: "no answer from the node at {}: {}", "节点 {} 没有应答：{}";
    UNREACHABLE_REMEDY: "start it with `tradepost serve` and give the same command again; nothing is done twice", "用 `tradepost serve` 启动节点后重新执行同一命令，不会重复处理";
    UPLOAD_BROKEN: "the node at {} ended the upload early: {}", "节点 {} 提前结束了上传：{}";
    UPLOAD_BROKEN_REMEDY: "look at the file and the options, then give the command again", "请检查文件与选项后重试";
    NOT_READY: "no node of {} became ready within {} s", "{} 的节点在 {} 秒内没有就绪";
    NOT_READY_REMEDY: "start it with `tradepost serve --data DIR`", "用 `tradepost serve --data DIR` 启动节点";
    IMPORT_LOST: "the node was restarted during import {}", "导入 {} 期间节点被重新启动";
    FILE_FAILED: "{}: {}", "{}：{}";
    FILE_REMEDY: "check the path and the right to use it", "请检查路径与权限";
    AS_MISSING: "--as is missing: say whether these orders are history or new", "缺少 --as：请说明这些订单是 history（历史）还是 new（新单）";
    AS_REMEDY: "add --as history (no effect on stock), --as new, or a --preset that settles it", "加 --as history（不影响库存）、--as new，或使用已定义的 --preset";
    MAP_BAD: "mapping `{}` is not field=Column", "映射 `{}` 不是 field=Column 的形式";
    MAP_REMEDY: "write one field=Column each; a column with a comma in its name must be renamed in the file", "每项写成 field=Column；名称含逗号的列请先在文件中改名";
    NOTHING: "nothing to show", "没有内容";
    MORE: "showing the first {}; more with --limit N (at most 500) or --cursor {}", "只显示前 {} 条；用 --limit N（最多 500）或 --cursor {} 查看更多";
    WRITE_FAILED: "cannot write the output: {}", "无法写出结果：{}";
    YES: "yes", "是";
    NO: "no", "否";
    NO_NODE: "There is no node in {} yet.", "{} 中还没有节点。";
    NEXT: "Next:", "接下来：";
    INIT_DONE: "node {} of site {} made in {}", "节点 {}（站点 {}）已建立于 {}";
    WORDS_ONCE: "Write both lists of words on paper now; they are not shown again.", "请立即将两组助记词抄在纸上，之后不再显示。";
    ROOT_WORDS: "root words", "根密钥助记词";
    RECOVERY_WORDS: "recovery words", "恢复助记词";
    ORG: "organisation", "组织";
    SITE: "site", "站点";
    NODE: "node", "节点";
    PAGE: "page", "页面";
    NOT_RUNNING: "not running (opened by this command)", "未运行（由本命令打开）";
    DATA: "data", "数据目录";
    ORDERS: "orders", "订单";
    COMMITS: "commits", "提交";
    CASES_OPEN: "open cases", "待处理";
    SET_ASIDE: "set aside", "搁置";
    PARKED: "parked", "等待中";
    CONTENT_DIGEST: "content digest", "内容摘要";
    SCOPE: "scope", "范围";
    DOCUMENTS: "documents", "文档";
    DIGEST: "digest", "摘要";
    NAME: "name", "名称";
    HOME: "home", "归属站点";
    ZONE: "zone", "时区";
    SKU: "SKU", "货号";
    UNIT: "unit", "单位";
    BARCODE: "barcode", "条码";
    PROVISIONAL: "provisional", "暂定";
    ID: "id", "编号";
    NUMBER: "number", "单号";
    EXTERNAL: "external", "外部单号";
    CHANNEL: "channel", "渠道";
    PHONE: "phone", "电话";
    EMAIL: "e-mail", "邮箱";
    ADDRESS: "address", "地址";
    DETAILS: "details", "资料";
    STATUS: "status", "状态";
    FULFILMENT: "delivery", "发货";
    PAYMENT: "payment", "付款";
    SECURED: "secured", "已保障";
    CUSTOMER: "customer", "客户";
    TOTAL: "total", "合计";
    PAID: "paid", "已付";
    CURRENCY: "currency", "币种";
    DATE: "date", "日期";
    ORDERED_AT: "ordered at", "下单时间";
    PURPOSE: "purpose", "用途";
    REGION: "region", "地区";
    NOTE: "note", "备注";
    DUPLICATE_OF: "duplicate of", "重复于";
    LINE: "line", "行";
    LINES: "lines", "行数";
    QUANTITY: "quantity", "数量";
    PRICE: "price", "单价";
    CANCELLED: "cancelled", "已取消";
    RESERVED: "reserved", "已预留";
    SHIPPED: "shipped", "已发货";
    BACKORDERED: "backordered", "缺货";
    SENT: "at other sites", "他站待发";
    SENT_AT: "sent at", "转发时间";
    TAKER: "order of", "接单站点";
    SHIPPER: "ships from", "发货站点";
    SERVICE: "service", "配送方式";
    AT: "at", "时间";
    REFERENCE: "paper", "单据";
    TO_SHIP: "to ship", "待发";
    FULFILMENT_ID: "fulfilment", "代发编号";
    ON_HAND: "on hand", "在手";
    UNAVAILABLE: "unavailable", "不可用";
    AVAILABLE: "available", "可用";
    FREE_RIGHTS: "free rights", "可用额度";
    HOLDER: "holder", "持有节点";
    RETURNED: "returned", "已归还";
    BALANCE: "left", "剩余";
    PROMISE_NOW: "promise now", "现可承诺";
    ALIAS_OF: "other name of", "别名指向";
    AS_OF: "as of", "截至";
    KIND: "kind", "类别";
    SUBJECT: "subject", "对象";
    TITLE: "title", "事项";
    DETAIL: "detail", "说明";
    RANK: "rank", "名次";
    KEY: "key", "项";
    GROSS: "gross sales", "销售总额";
    NET: "net sales", "销售净额";
    UNITS: "units", "件数";
    INVOICES: "invoices", "单数";
    STATE: "state", "情况";
    REASON: "reason", "原因";
    COMPLETE: "complete: every site's data is in", "完整：所有站点的数据都已计入";
    INCOMPLETE: "not complete: see the sites below", "不完整：见下列站点";
    WITH_SALES: "with sales", "有销售额";
    ZERO_PRICE: "zero-price lines only", "仅零价行";
    CREDIT_ORDERS: "credit orders", "退款单";
    ADJUSTMENTS: "adjustments", "调整";
    REJECTED: "rejected rows", "被拒行";
    ROWS: "rows", "行";
    CREATED: "created", "新建";
    UPDATED: "updated", "更新";
    UNCHANGED: "unchanged", "未变";
    PRODUCTS_CREATED: "products created", "新建商品";
    CUSTOMERS_CREATED: "customers created", "新建客户";
    ENCODING: "encoding", "编码";
    IMPORT_CANCELLED: "The import was cancelled; what is written stays. Import the same file again to go on.", "导入已取消，已写入的内容保留。再次导入同一文件即可继续。";
    DRY_RUN: "dry run: nothing was written", "试运行：没有写入任何内容";
    REJECTS_SAVED: "rejected rows are in {}", "被拒行已保存到 {}";
    TICKET_ONCE: "give this ticket to one device, with `tradepost join`; it is good until {} and not shown again", "请把此票据交给一台设备执行 `tradepost join`；有效期至 {}，之后不再显示";
    JOINED: "node {} of site {} joined {} in {}", "节点 {}（站点 {}）已加入 {}，目录 {}";
    LETTER: "letter", "序号字母";
    LAST_EXCHANGE: "last exchange", "最近交换";
    WAITING_OUT: "to send", "待发送";
    WAITING_IN: "to get", "待接收";
    ROUND_TRIP: "round trip, ms", "往返毫秒";
    BYTES_SENT: "bytes sent", "已发字节";
    BYTES_RECEIVED: "bytes received", "已收字节";
    SYNC_PAUSED: "sync is paused at this node; go on with `tradepost sync resume`", "本节点已暂停同步；用 `tradepost sync resume` 恢复";
    SYNC_RUNNING: "sync is running", "同步正在进行";
    SYNC_STARTED: "every node is being dialled; add --wait to wait for the exchange", "正在联系各节点；加 --wait 可等待交换完成";
    SYNC_COMPLETE: "all that was here is everywhere, and all of theirs is here", "本地数据已全部送达，对方数据也已全部收到";
    SYNC_NOT_REACHED: "some node was not reached", "有节点未能连通";
    SYNC_TIMED_OUT: "the time is over and some node does not have all", "时间已到，有节点尚未收齐";
    NO_PEERS: "no other node yet; invite one with `tradepost peer invite`", "还没有其他节点；用 `tradepost peer invite` 邀请";
    TICKET_USED_AGAIN: "warning: ticket for {} used again by device {} at {}; refused", "警告：{} 的票据被设备 {} 于 {} 再次使用，已拒绝";
    TICKET_USED_LATE: "warning: expired ticket for {} used by device {} at {}; refused", "警告：{} 的过期票据被设备 {} 于 {} 使用，已拒绝";
    ALERTS: "warnings in `peer list`", "`peer list` 中的警告";
    REBUILT: "rebuilt {} documents in {} scopes from {} commits", "已重建 {} 份文档（{} 个范围，{} 次提交）";
}

/// A status word of the API in a language; unknown words stay as they are.
pub fn word(lang: Lang, word: &str) -> String {
    let Lang::Zh = lang else {
        return word.replace('_', " ");
    };
    let known = WORDS.iter().find(|(key, _)| *key == word);
    known.map_or(word, |(_, zh)| zh).to_owned()
}

const WORDS: &[(&str, &str)] = &[
    ("submitted", "已提交"),
    ("confirmed", "已确认"),
    ("cancelled", "已取消"),
    ("cancelled_after_dispatch", "发货后取消"),
    ("completed", "已完成"),
    ("unfulfilled", "未发货"),
    ("partly_shipped", "部分发货"),
    ("shipped", "已发货"),
    ("planned", "待备货"),
    ("allocated", "已备货"),
    ("delivered", "已送达"),
    ("unpaid", "未付"),
    ("partly_paid", "部分付款"),
    ("paid", "已付"),
    ("overpaid", "多付"),
    ("credit_due", "应退款"),
    ("not_recorded", "未记录"),
    ("all", "全部"),
    ("part", "部分"),
    ("none", "无"),
    ("not_needed", "不需要"),
    ("sale", "销售"),
    ("credit", "退款"),
    ("adjustment", "调整"),
    ("open", "可见"),
    ("pending", "等待"),
    ("erased", "已抹除"),
    ("live", "最新"),
    ("behind", "落后"),
    ("never", "从未"),
    ("catching_up", "正在补齐"),
    ("no_contact", "从未联系"),
    ("shipped_after_cancel", "取消后发货"),
    ("over_shipped", "超量发货"),
    ("duplicate_placed", "重复下单"),
    ("duplicate_external_order", "外部单号重复"),
    ("negative_stock", "负库存"),
    ("promises_uncovered", "承诺超出库存"),
    ("booking_ignored", "记账无效"),
    ("connected", "已连接"),
    ("offline", "离线"),
    ("apart", "不直接交换"),
    ("connecting", "连接中"),
    ("unreachable", "无法连通"),
    ("refused", "被拒绝"),
    ("paused_here", "本端已暂停"),
    ("paused_there", "对端已暂停"),
    ("not_admitted", "未获准加入"),
    ("wrong_org", "组织不符"),
    ("protocol", "协议不符"),
    ("bad_frame", "数据帧有误"),
    ("bad_commit", "提交有误"),
    ("fork", "日志分叉"),
    ("no_address", "没有地址"),
    ("disk_full", "磁盘已满"),
    ("started", "已开始"),
    ("complete", "已完成"),
    ("not_reached", "未连通"),
    ("timed_out", "超时"),
    ("head-office", "总部"),
    ("store", "门店"),
    ("warehouse", "仓库"),
    ("field", "外勤"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_are_complete() {
        for text in ALL {
            assert!(!text.en.is_empty() && !text.zh.is_empty(), "{text:?}");
            let values = |side: &str| side.matches("{}").count();
            assert_eq!(values(text.en), values(text.zh), "{text:?}");
        }
    }

    #[test]
    fn values_are_filled_in_order() {
        assert_eq!(UNREACHABLE.with(Lang::En, &["U", "C"]), "no answer from the node at U: C");
        assert_eq!(UNREACHABLE.with(Lang::Zh, &["U", "C"]), "节点 U 没有应答：C");
    }

    #[test]
    fn status_words_have_both_languages() {
        assert_eq!(word(Lang::En, "partly_shipped"), "partly shipped");
        assert_eq!(word(Lang::Zh, "partly_shipped"), "部分发货");
        assert_eq!(word(Lang::Zh, "new_word"), "new_word");
    }
}
