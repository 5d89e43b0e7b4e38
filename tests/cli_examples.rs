//! The command line as people and scripts see it, pinned: the help of every command, and a day in a shop.
//!
//! Not a test of rules: those stand beside the code. A change of a word, a column or a field shows here as a difference of
//! a file in `tests/golden`; `UPDATE_GOLDEN=1 cargo test -p tests` writes the files anew.

use cli::Environment;
use tests::{Ran, Shop, golden, mask, pretty, run_in};

/// What is given on the command line, with `FILE` names resolved by the caller.
const DAY: &[&str] = &[
    "status",
    "channel add wechat --home HQ --zone Asia/Shanghai",
    "channel list",
    "product import PRODUCTS",
    "product list",
    "product show TEA-100",
    "product show tea-100",
    "product edit MUG --barcode 96385074 --price 2.60",
    "product edit MUG --barcode 96385075",
    "stock receive MUG 10 --reference DN-1",
    "stock history MUG",
    "order new --line MUG:7:2.50 --name 张三 --phone 13800138000 --address 北京",
    "order new --line MUG:5:2.5 --channel wechat --external W-1 --region 上海 --pay wechat:5",
    "stock show",
    "order confirm HQ-A-000001",
    "order ship HQ-A-000001 --line 1:3",
    "order ship HQ-A-000001",
    "order cancel W-1",
    "order cancel HQ-A-000002 --reason changed",
    "order cancel HQ-A-000002",
    "order new --walk-in --line MUG:4:2.50 --pay cash:10",
    "stock show MUG",
    "case list",
    "stock adjust MUG 2 --reason counted",
    "order import ORDERS",
    "order import ORDERS --as history",
    "order import ORDERS --as history --channel shop",
    "order import ORDERS --as history --channel wechat --rejects REJECTS --dry-run",
    "order import ORDERS --as history --channel wechat --rejects REJECTS",
    "order list",
    "order list --limit 1",
    "order list --status confirmed",
    "order show W-7",
    "order show HQ-A-000001",
    "order show HQ-A-000009",
    "customer list",
    "report run sales --by month --to 2012-01-01",
    "report run sales --by item --to 2012-01-01",
    "report run sales --by customer --to 2012-01-01",
    "report run sales --by weekday",
    "order new --line MUG:1:2.1234567",
    "order new --line MUG:1000000001:2.50",
    "order new --line NOPE:1:2.50 --line MUG:x:1",
    "order new --line MUG:1:2.50 --currency EUR",
    "order new --line MUG:1:2.50 --idempotency-key k1",
    "order new --line MUG:2:2.50 --idempotency-key k1",
    "init --org Demo --site HQ --kind head-office --currency CNY",
    "rebuild",
    "status --content-digest",
    "status --wait-ready 0",
];

const PRODUCTS: &str =
    "sku,name,unit,barcode,price\nMUG,Blue mug,piece,4006381333931,2.50\nTEA-100,绿茶 100 克,bag,,\n,No code,,,\n";

const ORDERS: &str = "\
external_number,order_time,sku,name,quantity,price,customer,region,currency
W-7,2011-05-01 09:30,MUG,,2,2.50,C1,上海,
W-7,2011-05-01 09:30,TEA-100,,1,30,C1,上海,
W-8,2011-05-02 10:00,MUG,,abc,2.50,,,
W-9,2011-05-02 10:00,MUG,,1,2.1234567,,,
W-10,2011-05-02 10:00,MUG,,1000000001,2.50,,,
W-11,2011-05-02 10:00,MUG,,1,2.50,,,EUR
W-12,2011-05-02 10:00,MUG,,1,2.50,,,CNY
W-12,2011-05-02 10:00,MUG,,1,2.50,,,USD
W-13,2011-13-02 10:00,MUG,,1,2.50,,,
W-14,2011-05-02 10:00,MUG,,1
W-15,2011-05-02 10:00,MUG,,1,\"2.50,,,
";

#[test]
fn help_of_every_command_is_pinned() {
    let mut pages = String::new();
    let mut waiting = vec![Vec::new()];
    while let Some(command) = waiting.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let Ran { exit, out, err } = run_in(&Environment::default(), &words);
        assert_eq!((exit, err.as_str()), (0, ""), "{words:?}");
        pages.push_str(&format!("$ tradepost {}\n{out}\n", words.join(" ")));
        let deeper = subcommands(&out).into_iter().map(|name| [command.clone(), vec![name]].concat());
        waiting.extend(deeper.collect::<Vec<_>>().into_iter().rev());
    }
    golden("cli-help.txt", &pages);
}

#[test]
fn a_day_in_a_shop_is_pinned() {
    golden("cli-day-en.txt", &day(&["--lang", "en"]));
}

#[test]
fn a_day_in_a_chinese_shop_is_pinned() {
    golden("cli-day-zh.txt", &day(&["--lang", "zh"]));
}

#[test]
fn a_day_of_a_script_is_pinned_and_each_answer_is_one_object() {
    let shop = Shop::new();
    let mut session = String::new();
    for line in DAY {
        let Ran { exit, out, .. } = give(&shop, line, &["--json"]);
        let object: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{line}: {out}"));
        assert!(object.is_object(), "{line}: {out}");
        session.push_str(&format!("$ tradepost {line} --json\n{}\nexit {exit}\n\n", shop.masked(&pretty(&object))));
    }
    golden("cli-day-json.txt", &session);
}

#[test]
fn masks_cover_what_changes_and_nothing_else() {
    let moments = "2026-11-23T22:15:17.732+08:00 2026-11-23 22:15:17 +08:00 2026-11-23";
    assert_eq!(mask(moments), "0000-00-00T00:00:00.000+08:00 0000-00-00 00:00:00 +08:00 0000-00-00");
    assert_eq!(mask("id 01a20a7e10b97624a0c10c72dc2e4846, kept"), format!("id {}, kept", "x".repeat(32)));
    for kept in [
        "85123A 张三 1,000.00",
        "13800138000 abcdef0123 4006381333931",
        "HQ-A-000001 4.00",
        "customer 12",
        "2011-05-01T09:30:00.000+08:00 2011-05-01",
    ] {
        assert_eq!(mask(kept), kept);
    }
}

/// The names below `Commands:`; `help` repeats the others.
fn subcommands(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = below.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn day(options: &[&str]) -> String {
    let shop = Shop::new();
    let mut session = String::new();
    for line in DAY {
        let Ran { exit, out, err } = give(&shop, line, options);
        session.push_str(&format!("$ tradepost {line}\n{}exit {exit}\n\n", shop.masked(&format!("{out}{err}"))));
    }
    session
}

fn give(shop: &Shop, line: &str, options: &[&str]) -> Ran {
    let products = shop.file("products.csv", PRODUCTS);
    let orders = shop.file("orders.csv", ORDERS);
    let rejects = shop.data().with_file_name("rejects.csv").display().to_string();
    let words = line.split(' ').map(|word| match word {
        "PRODUCTS" => products.as_str(),
        "ORDERS" => orders.as_str(),
        "REJECTS" => rejects.as_str(),
        word => word,
    });
    let words: Vec<&str> = words.chain(options.iter().copied()).collect();
    shop.run(&words)
}
