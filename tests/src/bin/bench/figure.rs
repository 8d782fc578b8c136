//! What was measured, and how it is told: a table for people, JSON for machines.

use std::time::Duration;

use serde_json::{Value, json};

/// One figure. `rival` is the same figure of websocketd, measured between our own rounds on the same emitter.
pub struct Figure {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub rival: Option<f64>,
    pub aim: Option<Aim>,
}

/// What a figure shall come to.
#[derive(Clone, Copy)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {}", short(most)),
            Self::AtLeast(least) => format!("at least {}", short(least)),
        }
    }
}

impl Figure {
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, rival: None, aim: None }
    }

    pub fn aim(self, aim: Aim) -> Self {
        Self { aim: Some(aim), ..self }
    }

    pub fn beside(self, rival: Option<f64>) -> Self {
        Self { rival, ..self }
    }

    /// Ours divided by theirs.
    fn ratio(&self) -> Option<f64> {
        self.rival.filter(|rival| *rival > 0.0).map(|rival| self.value / rival)
    }

    pub fn json(&self) -> Value {
        json!({
            "what": self.what, "value": self.value, "unit": self.unit, "websocketd": self.rival, "ratio": self.ratio(),
            "aim": self.aim.map(Aim::words), "met": self.aim.map(|aim| aim.holds(self.value)),
        })
    }
}

/// The table, each column as wide as its widest cell.
pub fn table(figures: &[Figure]) -> String {
    let optional = |value: Option<f64>| value.map(short).unwrap_or_default();
    let head = ["figure", "value", "unit", "websocketd", "ratio", "aim", ""].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(figures.iter().map(|figure| {
        let met = figure.aim.map_or("", |aim| if aim.holds(figure.value) { "met" } else { "MISSED" });
        let aim = figure.aim.map(Aim::words).unwrap_or_default();
        let (rival, ratio) = (optional(figure.rival), optional(figure.ratio()));
        [figure.what.clone(), short(figure.value), figure.unit.to_owned(), rival, ratio, aim, met.to_owned()]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let number = matches!(place, 1 | 3 | 4);
            let gap = " ".repeat(width - cell.chars().count());
            text.push_str(&if number { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") });
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Three digits that count, whole numbers with their thousands apart.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let whole = text.split('.').next().unwrap_or_default();
    if digits > 0 || whole.len() < 4 {
        return text;
    }
    let mut apart = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 && apart != "-" {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// The value below which `share` of the sorted values lie; 0 when there are none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place within a list"
    )]
    let place = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
