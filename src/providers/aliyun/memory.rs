//! Parses memory sizes.

/// Parses a memory size in bytes, such as `1gb` of PBS or `1536MB` of Slurm.
pub(super) fn memory_bytes(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let power = ["b", "kb", "mb", "gb", "tb"]
        .iter()
        .position(|known| *known == unit)?;
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}
