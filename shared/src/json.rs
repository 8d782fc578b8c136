//! Reading of our JSON formats by way of one [`Value`], for types that derive `FromJson`.
//!
//! A reader that serde derives is compiled anew for each format that it may read, with all ways in which a
//! field may be written; in the page they were a quarter of the download. These are a call per field.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A type that is read from JSON.
pub trait FromJson: Sized {
    /// # Errors
    /// The value has another shape.
    fn from_json(json: Value) -> Result<Self, Unfit>;

    /// What a field that is not there reads as; nothing where it has to be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// Why a value could not be read: the way to it, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(String);

impl Unfit {
    /// The reason in a type's own words.
    pub fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }

    /// A name that is none of the `known` ones.
    pub fn unknown(name: &str, known: &[&str]) -> Self {
        Self(format!("unknown name {name:?}, expected one of {}", known.join(", ")))
    }

    fn expected(what: &str) -> Self {
        Self(format!("expected {what}"))
    }

    fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

/// Reads a `T` from any format: what `Deserialize` of our types comes down to.
pub(crate) fn read<'de, D: Deserializer<'de>, T: FromJson>(deserializer: D) -> Result<T, D::Error> {
    T::from_json(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// The fields of an object, taken out one by one. What is left is of a newer version and is ignored.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn of(json: Value) -> Result<Self, Unfit> {
        match json {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Unfit::expected("an object")),
        }
    }

    pub(crate) fn take<T: FromJson>(&mut self, name: &str) -> Result<T, Unfit> {
        match self.0.remove(name) {
            Some(json) => T::from_json(json).map_err(|error| error.at(name)),
            None => T::absent().ok_or_else(|| Unfit::expected("a value").at(name)),
        }
    }

    /// Writes the field to its place if it is there.
    pub(crate) fn put<T: FromJson>(&mut self, name: &str, place: &mut T) -> Result<(), Unfit> {
        if let Some(json) = self.0.remove(name) {
            *place = T::from_json(json).map_err(|error| error.at(name))?;
        }
        Ok(())
    }

    pub(crate) fn take_or_default<T: FromJson + Default>(&mut self, name: &str) -> Result<T, Unfit> {
        let mut field = T::default();
        self.put(name, &mut field)?;
        Ok(field)
    }
}

impl FromJson for Value {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        Ok(json)
    }
}

impl FromJson for String {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        match json {
            Value::String(text) => Ok(text),
            _ => Err(Unfit::expected("text")),
        }
    }
}

impl FromJson for bool {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        json.as_bool().ok_or_else(|| Unfit::expected("true or false"))
    }
}

macro_rules! whole_numbers {
    ($($number:ty)*) => {$(
        impl FromJson for $number {
            fn from_json(json: Value) -> Result<Self, Unfit> {
                let number = json.as_i64().and_then(|number| number.try_into().ok());
                let number = number.or_else(|| json.as_u64()?.try_into().ok());
                number.ok_or_else(|| Unfit::expected(concat!("a number of type ", stringify!($number))))
            }
        }
    )*};
}

whole_numbers! { i32 u16 u32 u64 usize }

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Arc<T> {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        T::from_json(json).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        let Value::Array(items) = json else { return Err(Unfit::expected("a list")) };
        let mut list = Self::with_capacity(items.len());
        for item in items {
            let read = T::from_json(item).map_err(|error| error.at(&list.len().to_string()))?;
            list.push(read);
        }
        Ok(list)
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(json: Value) -> Result<Self, Unfit> {
        let Value::Object(items) = json else { return Err(Unfit::expected("an object")) };
        items.into_iter().map(|(key, item)| Ok((key, T::from_json(item)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared_derive::FromJson;

    use super::*;

    #[derive(Debug, PartialEq, FromJson)]
    #[serde(tag = "is", rename_all = "snake_case")]
    enum Shape {
        Point,
        WideBox {
            width: u32,
            label: Option<String>,
            #[serde(default)]
            names: Vec<String>,
        },
    }

    fn shape(json: Value) -> Result<Shape, String> {
        Shape::from_json(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_tag_says_the_shape_and_strangers_are_ignored() {
        assert_eq!(shape(json!({"is": "point", "new": 1})), Ok(Shape::Point));
        let wide = Shape::WideBox { width: 3, label: None, names: vec![] };
        assert_eq!(shape(json!({"is": "wide_box", "width": 3})), Ok(wide));
    }

    #[test]
    fn an_error_says_where_and_what() {
        let names = json!({"is": "wide_box", "width": 3, "names": ["a", 4]});
        for (json, why) in [
            (json!(3), "expected an object"),
            (json!({"is": "wide_box"}), "width: expected a value"),
            (json!({"is": "wide_box", "width": -1}), "width: expected a number of type u32"),
            (names, "names: 1: expected text"),
            (json!({"is": "round"}), r#"unknown name "round", expected one of point, wide_box"#),
        ] {
            assert_eq!(shape(json), Err(why.to_owned()));
        }
    }

    #[test]
    fn the_largest_numbers_are_read() {
        assert_eq!(u64::from_json(json!(u64::MAX)), Ok(u64::MAX));
        assert_eq!(i32::from_json(json!(i32::MIN)), Ok(i32::MIN));
        assert!(u64::from_json(json!(1.5)).is_err());
    }
}
