//! Drawings that libraries make as SVG: charts and QR codes. The only place where a page takes text as markup.
//!
//! Invariant: texts inside a drawing are escaped before the library sees them. Proved by
//! `a_hostile_label_stays_text_in_a_chart`.

use charts_rs::{BarChart, Box as Margins, Series};
use maud::{Markup, PreEscaped, html};

/// Width and height of a chart in its own units; the page scales it.
const CHART: (f32, f32) = (960.0, 320.0);
/// Characters of a label below a bar.
const LABEL_CHARS_MAX: usize = 14;
const FONTS: &str = "Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif";

/// Bars with their labels.
pub fn bars(title: &str, bars: &[(String, f32)]) -> Markup {
    let labels = bars.iter().map(|(label, _)| shortened(label)).collect();
    let series = Series::new(escaped(title), bars.iter().map(|(_, value)| *value).collect());
    let mut chart = BarChart::new(vec![series], labels);
    (chart.width, chart.height) = CHART;
    chart.font_family = FONTS.to_owned();
    chart.margin = Margins::from(12.0);
    chart.background_color = "#ffffff".into();
    chart.legend.show = Some(false);
    match chart.svg() {
        Ok(svg) => html! { div.chart role="img" aria-label=(title) { (PreEscaped(svg)) } },
        // The table below holds the same figures.
        Err(_) => html! {},
    }
}

/// A QR code; nothing where the text is too long for one.
pub fn qr(text: &str) -> Markup {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L);
    let svg = code.map(|code| code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(224, 224).build());
    match svg {
        Ok(svg) => {
            html! { div.qr role="img" aria-label="QR" { (PreEscaped(svg.replace("<?xml version=\"1.0\" standalone=\"yes\"?>", ""))) } }
        }
        Err(_) => html! {},
    }
}

fn shortened(label: &str) -> String {
    let mut short: String = label.chars().take(LABEL_CHARS_MAX).collect();
    if label.chars().count() > LABEL_CHARS_MAX {
        short.push('\u{2026}');
    }
    escaped(&short)
}

fn escaped(text: &str) -> String {
    html! { (text) }.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_label_stays_text_in_a_chart() {
        let drawn = bars("<b>", &[("<script>x</script>".to_owned(), 3.0), ("\"&'".to_owned(), 4.0)]).into_string();
        assert!(drawn.contains("<svg") && !drawn.contains("<script") && !drawn.contains("<b>"), "{drawn}");
    }
}
