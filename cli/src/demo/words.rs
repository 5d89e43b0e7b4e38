//! What the demo says, in both languages.
//! Invariant: both languages are complete and take the same number of values; proved by
//! `both_languages_of_the_demo_are_complete`.

use crate::text::Text;

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        $(
            #[doc = $en]
            pub const $name: Text = Text::new($en, $zh);
        )*
        #[cfg(test)]
        const ALL: &[Text] = &[$($name),*];
    };
}

words! {
    START: "Head office (HQ), a store (SH01) and a warehouse (WH01) run, each a node of its own.", "总部（HQ）、门店（SH01）和仓库（WH01）已启动，各为独立节点。";
    CUT: "The store is cut off. It imports its invoices of December 2010 and goes on selling.", "门店断网。它导入 2010 年 12 月的真实单据，并照常销售。";
    IMPORTED: "  imported {} orders from {} rows in {} s", "  已导入 {} 张订单（{} 行），用时 {} 秒";
    HEALED: "The line is back: the store catches up in {} s.", "网络恢复：门店用 {} 秒补齐数据。";
    CROSS: "Cut off again: head office cancels an order while the store ships it.", "再次断网：总部取消一张订单，而门店同时发货。";
    EQUAL: "Back again: all nodes hold the same.", "再次恢复：各节点数据一致。";
    BEHIND: "before: head office says that SH01 is behind", "恢复前：总部显示 SH01 数据滞后";
    ABSENT: "before: orders of SH01 at head office", "恢复前：总部的 SH01 订单数";
    COMPLETE: "head office's report is complete", "总部报表完整";
    GROSS: "gross sales of December 2010, GBP", "2010 年 12 月销售额（英镑）";
    INVOICES: "sales invoices of December 2010", "2010 年 12 月销售单数";
    UNITS: "units sold in December 2010", "2010 年 12 月销售件数";
    ALL_GROSS: "gross sales with what was sold offline, GBP", "含断网期间销售的销售额（英镑）";
    ALL_INVOICES: "invoices with what was sold offline", "含断网期间的销售单数";
    ALL_UNITS: "units with what was sold offline", "含断网期间的销售件数";
    COVERED: "secured promises are covered by minted rights (mugs)", "已锁定承诺不超过库存权（马克杯）";
    STOCK: "mugs on the store's shelf after 10 came and 6 left", "入库 10、出库 6 后门店的马克杯";
    STATUS: "the order at head office and at the store", "该订单在总部与门店的状态";
    CASES: "cases \"recall the parcel\" at head office and at the store", "总部与门店的“追回包裹”待处理数";
    DIGESTS: "equal digests of what head office shares with the store and the warehouse", "总部与门店、仓库共享数据的摘要一致";
    DIFFERS: "DIFFERS: expected {}, got {}", "不一致：应为 {}，实为 {}";
    ALL_GOOD: "{} of {} checks passed.", "{}/{} 项核对通过。";
    NOT_GOOD: "Only {} of {} checks passed.", "仅 {}/{} 项核对通过。";
    TRY_NEXT: "Ctrl-C ends the demo. Try next:\n  {} --data {} order list --limit 5\n  {} --data {} sync pause\n  {} --data {} order new --walk-in --line MUG:1:6.50", "按 Ctrl-C 结束演示。接下来可以试试：\n  {} --data {} order list --limit 5\n  {} --data {} sync pause\n  {} --data {} order new --walk-in --line MUG:1:6.50";
    CHAIN: "A second organisation to look around in: head office, a store with two tills and a warehouse, in yuan.", "第二个组织供浏览：总部、两台收银机的门店和仓库，以人民币记账。";
    CHAIN_ORDERS: "orders of the chain at its head office", "连锁总部的订单数";
    CHAIN_GROSS: "gross sales of the chain at its head office, CNY", "连锁总部的销售额（人民币）";
    CHAIN_DIGESTS: "equal digests of what the chain's head office shares", "连锁总部与各节点共享数据的摘要一致";
    NOT_EMPTY: "{} is not empty", "{} 不是空文件夹";
    NOT_EMPTY_REMEDY: "Name a new or empty folder, or leave --dir away.", "请指定新的或空的文件夹，或不加 --dir。";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn both_languages_of_the_demo_are_complete() {
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for text in ALL {
            let (en, zh) = (text.get(Lang::En), text.get(Lang::Zh));
            assert!(!chinese(en) && chinese(zh), "{en} | {zh}");
            assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{en}");
        }
    }
}
