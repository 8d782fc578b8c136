//! Environment blocks: all variables in one text, each with a zero behind it, one more behind all.

use std::collections::BTreeMap;

use super::{Unfit, Wide};

/// The block of these variables, in the order that the system wants. Names are the same in capitals and small
/// letters (those of ASCII); of two that are the same the latter counts.
pub(crate) fn block(variables: impl IntoIterator<Item = (Wide, Wide)>) -> Result<Wide, Unfit> {
    let mut known = BTreeMap::new();
    for (name, value) in variables {
        if name.contains(&0) || value.contains(&0) {
            return Err(Unfit::Zero);
        }
        // The system's own, such as `=C:`, begin with one.
        if name.is_empty() || name[1..].contains(&u16::from(b'=')) {
            return Err(Unfit::Name('='));
        }
        let capitals: Wide = name.iter().map(|&unit| capital(unit)).collect();
        known.insert(capitals, (name, value));
    }
    let mut block = Wide::new();
    for (name, value) in known.into_values() {
        block.extend(name);
        block.push(u16::from(b'='));
        block.extend(value);
        block.push(0);
    }
    if block.is_empty() {
        block.push(0);
    }
    block.push(0);
    Ok(block)
}

fn capital(unit: u16) -> u16 {
    u8::try_from(unit).map_or(unit, |byte| byte.to_ascii_uppercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<String, Unfit> {
        let wide = |text: &str| text.encode_utf16().collect();
        let block = block(variables.iter().map(|(name, value)| (wide(name), wide(value))));
        block.map(|block| String::from_utf16_lossy(&block))
    }

    #[test]
    fn a_block_is_sorted_and_has_each_name_once() {
        let variables =
            [("Path", r"C:\a"), ("ComSpec", "cmd"), ("PATH", r"C:\b;C:\é"), ("Empty", ""), ("=C:", r"C:\x")];
        let block = "=C:=C:\\x\0ComSpec=cmd\0Empty=\0PATH=C:\\b;C:\\é\0\0";
        assert_eq!(of(&variables).as_deref(), Ok(block));
        assert_eq!(of(&[]).as_deref(), Ok("\0\0"));
    }

    #[test]
    fn what_would_be_read_as_something_else_is_refused() {
        assert_eq!(of(&[("A", "one\0B=two")]), Err(Unfit::Zero));
        assert_eq!(of(&[("A\0", "")]), Err(Unfit::Zero));
        assert_eq!(of(&[("A=B", "")]), Err(Unfit::Name('=')));
        assert_eq!(of(&[("", "")]), Err(Unfit::Name('=')));
    }
}
