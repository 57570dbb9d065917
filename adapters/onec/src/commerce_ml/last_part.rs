//! Where a file ends: parts have no numbers, and the last one does not say so.

/// The end of every file of CommerceML 2, in UTF-8 and in Windows-1251.
const ENDS: [&[u8]; 2] = [
    "</КоммерческаяИнформация>".as_bytes(),
    b"</\xca\xee\xec\xec\xe5\xf0\xf7\xe5\xf1\xea\xe0\xff\xc8\xed\xf4\xee\xf0\xec\xe0\xf6\xe8\xff>",
];
/// The record that ends an archive without a comment.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
const ARCHIVE_END_LENGTH: usize = 22;
/// What every archive begins with.
const ARCHIVE_BEGIN: &[u8] = b"PK\x03\x04";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a file ends with this part.
pub(super) fn is_last(part: &[u8]) -> bool {
    let text = part.trim_ascii_end();
    let archive = part
        .len()
        .checked_sub(ARCHIVE_END_LENGTH)
        .and_then(|at| part.get(at..));
    ENDS.iter().any(|end| text.ends_with(end)) || archive.is_some_and(|end| end.starts_with(ARCHIVE_END))
}

/// Whether a part that is the last one is the first one too.
pub(super) fn is_whole(part: &[u8]) -> bool {
    let text = part
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(part)
        .trim_ascii_start();
    part.starts_with(ARCHIVE_BEGIN) || text.starts_with(b"<?xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_with_its_last_tag_or_with_the_record_of_an_archive() {
        let file = "<?xml version=\"1.0\"?><КоммерческаяИнформация><a/></КоммерческаяИнформация>\r\n";
        assert!(is_last(file.as_bytes()) && is_whole(file.as_bytes()));
        let marked = [BYTE_ORDER_MARK, file.as_bytes()].concat();
        assert!(is_last(&marked) && is_whole(&marked));
        let (first, second) = file.as_bytes().split_at(40);
        assert!(!is_last(first) && is_whole(first));
        assert!(is_last(second) && !is_whole(second));
        assert!(is_last(ENDS[1]));
        let archive = [ARCHIVE_BEGIN, &[0; 30], ARCHIVE_END, &[0; 18]].concat();
        assert!(is_last(&archive) && is_whole(&archive));
        assert!(!is_last(b"") && !is_last(&archive[..40]));
    }
}
