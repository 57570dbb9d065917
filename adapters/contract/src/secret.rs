//! Comparing secrets.

/// Whether two secrets are the same. The time that it takes tells nothing but their lengths.
pub fn same_secret(one: &str, other: &str) -> bool {
    let differ = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::same_secret;

    #[test]
    fn only_the_very_same_is_the_same() {
        assert!(same_secret("tok-1", "tok-1") && same_secret("", ""));
        for other in ["tok-2", "tok-", "tok-11", "", "TOK-1"] {
            assert!(!same_secret("tok-1", other), "{other}");
        }
    }
}
